/** The tokens of one person: which of them says who may do what, and whether that one is genuine. */
import { keyDoubt, SessionError, TokenError } from "../errors.js";
import type { KeyStore } from "../keys/types.js";
import type { ClockMarks, Policy } from "../policy.js";
import type { TokenSet } from "../providers/types.js";
import { type Assessment, type Claims, deepFreeze, type Verifier } from "../verifier.js";
import { type CheckIn, firstCheckInId, type Marks, readClock } from "./clock.js";
import type { Place } from "./record.js";

/** Named as OAuth's answers name them (RFC 6749 section 5.1). */
export interface SessionTokens {
  readonly access_token?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
}

/** `iss` and `sub` of the judged token. */
export type User = readonly [iss: string | null, sub: string | null];

/** What is sealed of a record. */
export interface Sealed {
  readonly version: 1 | 2;
  readonly user: User;
  readonly tokens: SessionTokens;
  /** What the provider answered last, if it could not be verified yet for want of keys. */
  readonly unverified?: SessionTokens | undefined;
  readonly checkIn: CheckIn;
  /** How many seconds the access token lasts, by the answer that it came with. */
  readonly lasts?: number | undefined;
}

const NAMES = ["access_token", "refresh_token", "id_token"] as const;

/** Reads what was sealed for a place, by this version or the one before; `undefined` for anything else. */
export function readSealed(text: string, place: Place): Sealed | undefined {
  const sealed = parse(text) as (Partial<Sealed> & Partial<FirstVersion> & { place?: unknown }) | undefined;
  const { version, user, tokens, unverified, checkIn, lasts } = sealed ?? {};
  const isWhole =
    Array.isArray(user) &&
    areTokens(tokens) &&
    (unverified === undefined || areTokens(unverified)) &&
    [checkIn?.at, checkIn?.skew].every(Number.isFinite) &&
    (lasts === undefined || Number.isFinite(lasts));
  if (!isWhole) return undefined;
  // What stands before the seal can be written by anybody.
  if (version === 2)
    return isOf(sealed?.place, place) && typeof checkIn?.id === "string" ? (sealed as Sealed) : undefined;
  const { sessionId, generation } = sealed as FirstVersion;
  if (version !== 1 || sessionId !== place.id || generation !== place.generation) return undefined;
  return { ...(sealed as Sealed), checkIn: { ...(checkIn as CheckIn), id: firstCheckInId(checkIn) } };
}

/** As {@link readSealed} reads it. */
export function writeSealed(sealed: Sealed, place: Place): string {
  return JSON.stringify({ ...sealed, version: 2, place: placeOf(place) });
}

function placeOf({ signIn, id, generation, turn, turnId }: Place): unknown[] {
  return [signIn, id, generation, turn, turnId];
}

function isOf(given: unknown, place: Place): boolean {
  return JSON.stringify(given) === JSON.stringify(placeOf(place));
}

/** Of the version before, which numbered check-ins by the record's generation. */
interface FirstVersion {
  readonly sessionId: string;
  readonly generation: number;
}

function areTokens(value: unknown): value is SessionTokens {
  const tokens: Partial<Record<string, unknown>> = Object(value);
  const areTexts = NAMES.every((name) => tokens[name] === undefined || typeof tokens[name] === "string");
  return areTexts && NAMES.some((name) => name !== "refresh_token" && typeof tokens[name] === "string");
}

export function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** What a refresh gives, or with nothing before it a sign-in: what the answer leaves out, or has no token for, stays as it was. */
export function renewed(before: SessionTokens, answer: Partial<TokenSet> | undefined): SessionTokens {
  const given = NAMES.filter((name) => isToken(answer?.[name])).map((name) => [name, answer?.[name]]);
  return { ...before, ...Object.fromEntries(given) };
}

export function isToken(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

export function userOf({ iss, sub }: Claims): User {
  return [iss ?? null, sub ?? null];
}

/** Whether tokens are for one person; those that name nobody may be for anybody, each time. */
export function isSameUser(one: User, other: User): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** Which token says who may do what, and whether it is genuine. */
export class Judge {
  readonly policy: Policy;
  readonly verifier: Verifier<unknown> | KeyStore<unknown>;
  readonly #judged: "access_token" | "id_token";

  constructor(verifier: Verifier<unknown> | KeyStore<unknown>, policy: Policy, judged: "access_token" | "id_token") {
    this.verifier = verifier;
    this.policy = policy;
    this.#judged = judged;
  }

  /** Throws a {@link SessionError} where there is none. */
  tokenOf(tokens: SessionTokens): string {
    const token = tokens[this.#judged];
    if (isToken(token)) return token;
    throw new SessionError("missing_token", `the tokens have no "${this.#judged}", which this session judges`);
  }

  /** Whether this is the token judged of these; they may be of a time when the app judged another kind. */
  isOf(tokens: SessionTokens, token: string): boolean {
    return tokens[this.#judged] === token;
  }

  /** What time allows. Throws a {@link TokenError} for a token that is not genuine. */
  assess(token: string, marks: ClockMarks): Assessment<unknown> {
    return this.verifier.assess(token, this.policy, marks);
  }

  /** The same of somebody's tokens, by a clock that was just looked at. */
  accessOf({ tokens, checkIn }: Sealed, marks: Marks, now: number): Assessment<unknown> {
    return this.assess(this.tokenOf(tokens), readClock(marks, now, checkIn));
  }

  /** Verifies but for the times. */
  verify(token: string, now: number): Claims {
    try {
      this.assess(token, { now });
    } catch (error) {
      throw this.#explained(error, token);
    }
    return payloadOf(token);
  }

  /** Many providers' access tokens are for themselves only, of any form, unless one for an API is asked for. */
  #explained(error: unknown, token: string): unknown {
    const isForeign = this.#judged === "access_token" && token.split(".").length !== 3;
    if (!isForeign || !(error instanceof TokenError) || error.code !== "malformed") return error;
    const remedy =
      'ask the provider for one (often with "resource" or "audience"), or judge the ID token with token: "id_token"';
    const message = `${error.message}; this access_token is no signed JWT: ${remedy}`;
    return new TokenError(error.code, message, {}, { cause: error });
  }

  /**
   * The same, fetching fresher keys if these do not know the token's. The provider itself has just given it, so that its
   * key is no invention, and no cool-down applies.
   */
  async verifyFresh(token: string, now: number): Promise<Claims> {
    try {
      return this.verify(token, now);
    } catch (error) {
      if (!(error instanceof TokenError) || keyDoubt(error.code) === undefined || !("refresh" in this.verifier))
        throw error;
      await this.verifier.refresh().catch((cause) => {
        throw new TokenError(error.code, `${error.message}; no fresher keys could be fetched`, {}, { cause });
      });
      return this.verify(token, now);
    }
  }
}

/**
 * What a genuine token says itself, whatever a schema makes of it: who the person is and when it was made must not
 * depend on that. Only for tokens that the verifier has found genuine: it has checked these very bytes strictly.
 */
export function payloadOf(token: string): Claims {
  const text = atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  return deepFreeze(
    JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)))),
  );
}
