import { SessionError } from "../errors.js";
import type { TokenSet } from "../providers.js";
import type { Claims } from "../verifier.js";
import type { CheckIn, SeenTime } from "./clock.js";

/** The tokens of one person, named as OAuth's answers name them (RFC 6749 section 5.1). */
export interface SessionTokens {
  readonly access_token: string;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
}

/** What is stored of a session, sealed, as one value: written whole or not at all. */
export interface SessionRecord {
  readonly version: 1;
  /** Greater with every change: of two, the greater one is the newer. */
  readonly generation: number;
  /** Random, made at sign-in; names the caches of this person. */
  readonly sessionId: string;
  /** `iss` and `sub` of the judged token. */
  readonly user: readonly [iss: string | null, sub: string | null];
  /** When somebody last signed in, by the device's clock. */
  readonly signedInAt?: number | undefined;
  readonly tokens: SessionTokens;
  /** What the provider answered last, if it could not be verified yet for want of keys. */
  readonly unverified?: SessionTokens | undefined;
  readonly checkIn: RecordedCheckIn;
}

/** With the generation that came of it: two check-ins may be in one second. */
export interface RecordedCheckIn extends CheckIn {
  readonly generation: number;
}

type Version = Pick<SessionRecord, "sessionId" | "generation">;
type Dated = Pick<SessionRecord, "sessionId" | "checkIn">;

/** Stored beside it, more often: only counts for the record's own check-in. */
export interface MarksRecord extends SeenTime {
  readonly sessionId: string;
  readonly checkIn: RecordedCheckIn;
}

/** What the provider said of when to ask it again: only counts for the version that was to be refreshed. */
export interface Postponement extends Version {
  /** When it said so, by the device's clock, in Unix seconds. */
  readonly at: number;
  readonly until: number;
}

/** Why a session is over. Stays when everything else of the session is gone. */
export interface Ending {
  readonly sessionId: string;
  readonly cause: EndCause;
}

/** `signed_out`: here; `rejected`: by the provider's word; `user_changed`: the provider answered for another person. */
export type EndCause = "signed_out" | "rejected" | "user_changed";

/** More than any session comes to: from there on the next one could not be written any more. */
const MANY_GENERATIONS = 1e12;

/** Reads what was stored; `undefined` for what this version did not write. */
export function readRecord(text: string): SessionRecord | undefined {
  const record = parse(text) as Partial<SessionRecord> | undefined;
  const { version, generation = Number.NaN, sessionId, user, signedInAt, tokens, unverified, checkIn } = record ?? {};
  const complete =
    version === 1 &&
    Number.isInteger(generation) &&
    generation < MANY_GENERATIONS &&
    typeof sessionId === "string" &&
    Array.isArray(user) &&
    (signedInAt === undefined || typeof signedInAt === "number") &&
    areTokens(tokens) &&
    (unverified === undefined || areTokens(unverified)) &&
    isCheckIn(checkIn);
  return complete ? (record as SessionRecord) : undefined;
}

function isCheckIn(value: unknown): boolean {
  const { at, skew, generation }: Partial<RecordedCheckIn> = Object(value);
  return [at, skew, generation].every(Number.isFinite);
}

function areTokens(value: unknown): boolean {
  const { access_token, refresh_token = "", id_token = "" }: Partial<SessionTokens> = Object(value);
  return [access_token, refresh_token, id_token].every((token) => typeof token === "string");
}

export function readMarks(text: string): MarksRecord | undefined {
  const marks = parse(text) as Partial<MarksRecord> | undefined;
  const { sessionId, checkIn, highest, rolledBack, skew } = marks ?? {};
  const ofSession = typeof sessionId === "string" && isCheckIn(checkIn);
  const complete = ofSession && typeof rolledBack === "boolean" && [highest, skew].every(Number.isFinite);
  return complete ? (marks as MarksRecord) : undefined;
}

export function readPostponement(text: string | undefined): Postponement | undefined {
  const postponement = (text === undefined ? undefined : parse(text)) as Partial<Postponement> | undefined;
  const { sessionId, generation, at, until } = postponement ?? {};
  const complete = typeof sessionId === "string" && [generation, at, until].every(Number.isFinite);
  return complete ? (postponement as Postponement) : undefined;
}

/** The last sessions that have ended, the latest at the end. */
export function readEndings(text: string | undefined): readonly Ending[] {
  const endings = text === undefined ? [] : parse(text);
  const complete = ({ sessionId, cause }: Partial<Ending>) =>
    typeof sessionId === "string" && typeof cause === "string";
  return Array.isArray(endings) ? endings.filter((ending) => complete(Object(ending))) : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** What a sign-in gives. */
export function tokensOf(answer: TokenSet): SessionTokens {
  const { access_token } = answer ?? {};
  if (!isToken(access_token)) throw new SessionError("missing_token", 'the tokens have no "access_token"');
  return renewed({ access_token }, answer);
}

/** What a refresh gives: what the answer leaves out, or has no token for, stays as it was. */
export function renewed(before: SessionTokens, answer: Partial<TokenSet> | undefined): SessionTokens {
  const names = ["access_token", "refresh_token", "id_token"] as const;
  const given = names.filter((name) => isToken(answer?.[name])).map((name) => [name, answer?.[name]]);
  return { ...before, ...Object.fromEntries(given) };
}

export function isToken(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

export function userOf({ iss, sub }: Claims): SessionRecord["user"] {
  return [iss ?? null, sub ?? null];
}

/** Whether tokens are for one person; those that name nobody may be for anybody. */
export function sameUser(one: SessionRecord["user"], other: SessionRecord["user"]): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

export function isSameVersion(one: Version | undefined, other: Version | undefined): boolean {
  return one?.sessionId === other?.sessionId && one?.generation === other?.generation;
}

export function isSameCheckIn(one: Dated | undefined, other: Dated): boolean {
  const [a, b] = [one?.checkIn, other.checkIn];
  return one?.sessionId === other.sessionId && a?.at === b.at && a?.generation === b.generation;
}

export function isNewer(record: SessionRecord, than: SessionRecord | undefined): boolean {
  return than === undefined || record.sessionId !== than.sessionId || record.generation > than.generation;
}

export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
