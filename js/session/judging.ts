import { keyDoubt, SessionError, TokenError } from "../errors.js";
import type { KeyStore } from "../keys.js";
import type { ClockMarks, Policy } from "../policy.js";
import type { Assessment, Claims, Verifier } from "../verifier.js";
import { payloadOf } from "./payload.js";
import { isToken, type SessionTokens } from "./record.js";

/** Which token says who may do what, and whether it is genuine. */
export class Judging {
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
