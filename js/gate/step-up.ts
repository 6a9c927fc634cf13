/** What a rule needs of the authentication behind a token (RFC 9470): how it was done, and how long ago. */
import { seconds } from "../duration.js";
import type { TokenClaims } from "../rights.js";
import type { Needs } from "./types.js";

/** How far clocks may differ, in seconds: an authentication that is later than this has not happened yet. */
const TOLERANCE = 5;

/** A rule's needs with `acr` as a list and `maxAge` in seconds. */
export interface StepUpNeeds {
  readonly acr?: readonly string[];
  readonly maxAge?: number;
}

/** Checks `acr` and `maxAge`, and brings them into one form. */
export function checkStepUp(needs: Needs, refuse: (option: string, expected: string) => never): StepUpNeeds {
  const { acr, maxAge } = needs;
  for (const name of ["acr", "maxAge"] as const) {
    if (Object.hasOwn(needs, name) && needs[name] === undefined) refuse(name, "left out, or something to ask for");
  }
  const accepted: readonly unknown[] | undefined = acr === undefined ? undefined : Array.isArray(acr) ? acr : [acr];
  // They are listed in a challenge, between spaces and in quotes.
  const isListed = (value: unknown) => typeof value === "string" && /^[!#-[\]-~]+$/.test(value);
  if (accepted !== undefined && (accepted.length === 0 || !accepted.every(isListed))) {
    refuse("acr", "a value of the claim, or an array of them, not empty: printable ASCII without spaces and quotes");
  }
  const age = maxAge === undefined ? undefined : seconds(maxAge, "maxAge");
  // With 0 nobody would ever get through; and a challenge says whole seconds.
  if (age !== undefined && !(Number.isSafeInteger(age) && age > 0)) refuse("maxAge", "whole seconds, 1 or more");
  // Inherits nothing, so that nothing that is put on all objects is asked for.
  return Object.freeze(
    Object.assign(Object.create(null), accepted && { acr: Object.freeze([...accepted]) }, age && { maxAge: age }),
  );
}

/** Whether the authentication that a token tells of will do. A token that does not tell of it was not enough. */
export function isEnough({ acr, maxAge }: StepUpNeeds, claims: TokenClaims, now: () => number): boolean {
  const own = (name: string) => (Object.hasOwn(claims, name) ? claims[name] : undefined);
  const isAccepted = acr === undefined || acr.some((value) => value === own("acr"));
  if (!isAccepted || maxAge === undefined) return isAccepted;
  const age = now() - authTime(claims);
  return age >= -TOLERANCE && age <= maxAge;
}

/** The last moment at which an authentication that will do is recent enough; `null`: whenever it was. */
export function enoughUntil({ maxAge }: StepUpNeeds, claims: TokenClaims): number | null {
  return maxAge === undefined ? null : authTime(claims) + maxAge;
}

/** RFC 9470 section 3. All that the rule needs, since the next token must have all of it. */
export function stepUpChallenge({ acr, maxAge }: StepUpNeeds): { readonly [name: string]: string | undefined } {
  return {
    error: "insufficient_user_authentication",
    error_description: acr ? "a different authentication is needed" : "a more recent authentication is needed",
    acr_values: acr?.join(" "),
    max_age: maxAge?.toString(),
  };
}

function authTime(claims: TokenClaims): number {
  const time = Object.hasOwn(claims, "auth_time") ? claims["auth_time"] : undefined;
  return typeof time === "number" ? time : Number.NaN;
}
