/** What one call expects of an ID token beyond what its verifier asks of each. */
import { checkNames, isString, type Reader, readEach } from "./check-options.js";
import type { Claims } from "./claims.js";
import { type Duration, seconds } from "./duration.js";
import { ConfigError, shouldBe } from "./errors.js";
import { jsonText, type Profile } from "./options.js";

/** What an ID token must say since the request said so, or since it came with this access token. What is named must be there. */
export interface IdTokenExpectations {
  /** The `nonce` of the request (OpenID Connect Core 1.0 section 3.1.2.1), exactly. */
  readonly nonce?: string;
  /** The access token that came with it: `at_hash` must be of this one (sections 3.1.3.8 and 3.2.2.9). */
  readonly accessToken?: string;
  /**
   * How long ago the person may have authenticated, by `auth_time`, the clock tolerance added: the `max_age` of the request.
   */
  readonly maxAge?: Duration;
}

/** What one call to a verifier with this profile may expect. */
export type ExpectationsOf<P extends Profile | undefined> = P extends "id_token" ? IdTokenExpectations : never;

const TEXT: Reader = [(value) => (isString(value) && value) || undefined, "a well-formed string, not empty"];
const EXPECTATIONS: Record<keyof IdTokenExpectations, Reader> = {
  nonce: TEXT,
  accessToken: TEXT,
  maxAge: [(value) => seconds(value, "maxAge"), "a duration"],
};
const CLAIMS = ["nonce", "at_hash", "auth_time"] as const;

/** What a call expects, as JSON text for the core; `undefined` if it expects nothing. */
export function readExpectations(given: unknown, areTaken: boolean): string | undefined {
  if (given === undefined) return undefined;
  if (!areTaken) {
    // As when `verify` is what an array is mapped with.
    if (typeof given === "number") return undefined;
    const message = 'only profile: "id_token" takes what one call expects; options go to createVerifier';
    throw new ConfigError("unknown_option", message, "profile");
  }
  const expected = readEach(
    checkNames(given as { [name: string]: unknown }, "verify", Object.keys(EXPECTATIONS)),
    EXPECTATIONS,
  );
  for (const [name, value] of Object.entries(expected)) {
    // A nonce that was lost must not count as one that nobody asks for.
    if (value === undefined) throw shouldBe(name, "left out, or something to expect");
  }
  return jsonText(expected);
}

/** The claims that this is about, as JSON text. */
export function expectedClaims(claims: Claims): string {
  const own = CLAIMS.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]);
  return jsonText(Object.fromEntries(own)) ?? "{}";
}
