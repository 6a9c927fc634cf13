import type { GateRequest } from "./types.js";

/** How a token is presented: as a bearer token (RFC 6750), or with a proof of possession (RFC 9449 section 7.1). */
export type Scheme = "Bearer" | "DPoP";

/** What a request says of itself in `Authorization`; without a token where that is not written as the scheme has it. */
export interface Credentials {
  readonly scheme: Scheme;
  readonly token: string | undefined;
}

/** One word, as a token is. Whether it is one (RFC 6750 section 2.1 has a narrower form) the verifier says: `invalid_token`. */
const TOKEN = /^\S+ +([^\s",]+) *$/;

/**
 * The credentials of a scheme that is accepted; `undefined` for none, or for those of another scheme. A scheme may be in any
 * letter case (RFC 9110 section 11.1). Two headers, which `Headers` joins with a comma, are one that is malformed.
 */
export function readCredentials({ headers }: GateRequest, accepted: readonly Scheme[]): Credentials | undefined {
  const header = headers?.get("authorization") ?? "";
  const named = (text: string | undefined) => accepted.find((one) => one.toLowerCase() === text?.toLowerCase());
  const scheme = named(/^[^\s,]+/.exec(header)?.[0]);
  if (scheme !== undefined) return { scheme, token: TOKEN.exec(header)?.[1] };
  // Behind other credentials, since the header came twice.
  const second = named(/,\s*(bearer|dpop)(?:\s|$)/i.exec(header)?.[1]);
  return second && { scheme: second, token: undefined };
}
