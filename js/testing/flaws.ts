import { base64url, hmac, makeKey, type SigningKey } from "./signing.js";
import type { Flaw, TestClaims } from "./types.js";

/** A token before it is signed. */
export interface Draft {
  readonly header: TestClaims;
  readonly claims: TestClaims;
  readonly key: SigningKey;
}

/** What a verifier of the issuer's own options goes by. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** In Unix seconds. */
  readonly now: number;
}

/** More than any tolerance for clocks, and than any time that a policy lets pass. In seconds. */
const YEAR = 365 * 86_400;

/** Signs a token that holds, as far as its claims do. */
export async function signed({ header, claims, key }: Draft): Promise<string> {
  const input = inputOf(header, claims);
  return `${input}.${base64url(await key.sign(input))}`;
}

/** Signs a token with what is wrong with it, whatever its claims and the issuer are. */
export function flawed(flaw: Flaw, draft: Draft, expected: Expected): Promise<string> {
  return FLAWED[flaw](draft, expected);
}

const FLAWED: { readonly [Name in Flaw]: (draft: Draft, expected: Expected) => Promise<string> } = {
  no_signature: ({ header, claims }) => Promise.resolve(inputOf(header, claims)),
  async padded(draft) {
    const { header, claims, key } = draft;
    const input = `${inputOf(header, claims)}=`;
    return `${input}.${base64url(await key.sign(input))}`;
  },
  async duplicate_claim({ header, claims, key }) {
    const text = JSON.stringify({ ...claims, sub: claims["sub"] ?? "ada" });
    const input = `${base64url(JSON.stringify(header))}.${base64url(`${text.slice(0, -1)},"sub":"${otherSubject(claims)}"}`)}`;
    return `${input}.${base64url(await key.sign(input))}`;
  },
  too_large: (draft) => signed({ ...draft, claims: { ...draft.claims, padding: "x".repeat(1 << 20) } }),
  alg_none: ({ header, claims }) => Promise.resolve(`${inputOf({ ...header, alg: "none" }, claims)}.`),
  async hmac_with_public_key({ header, claims, key }) {
    const input = inputOf({ ...header, alg: "HS256" }, claims);
    return `${input}.${base64url(await hmac(await key.publicPem(), input))}`;
  },
  critical_extension: (draft) =>
    signed({ ...draft, header: { ...draft.header, crit: ["urn:example:unknown"], "urn:example:unknown": true } }),
  async unknown_key(draft) {
    const key = await stranger(draft);
    return signed({ ...draft, header: { ...draft.header, kid: "not-published" }, key });
  },
  async wrong_key(draft) {
    return signed({ ...draft, key: await stranger(draft) });
  },
  async embedded_key(draft) {
    const key = await stranger(draft);
    return signed({ ...draft, header: { ...draft.header, jwk: key.jwk }, key });
  },
  async altered_claims(draft) {
    const { header, claims } = draft;
    const [, , signature] = (await signed(draft)).split(".");
    return `${inputOf(header, { ...claims, sub: otherSubject(claims) })}.${signature}`;
  },
  async altered_signature({ header, claims, key }) {
    const input = inputOf(header, claims);
    const signature = await key.sign(input);
    const middle = signature.length >> 1;
    signature[middle] = (signature[middle] as number) ^ 1;
    return `${input}.${base64url(signature)}`;
  },
  wrong_issuer: (draft, { issuer }) => withClaims(draft, { iss: other("https://another-issuer.test", issuer) }),
  wrong_audience: (draft, { audience }) => withClaims(draft, { aud: other("another-audience", audience) }),
  no_expiry: (draft) => withClaims(draft, { exp: undefined }),
  expired: (draft, { now }) => withClaims(draft, { iat: now - 2 * YEAR, exp: now - YEAR }),
  not_yet_valid: (draft, { now }) => withClaims(draft, { nbf: now + YEAR, exp: now + 2 * YEAR }),
};

/** A value of that kind which is not the one that is right. */
function other(value: string, right: unknown): string {
  return value === right ? `${value}/2` : value;
}

function otherSubject(claims: TestClaims): string {
  return other("somebody-else", claims["sub"]);
}

function withClaims(draft: Draft, claims: TestClaims): Promise<string> {
  return signed({ ...draft, claims: { ...draft.claims, ...claims } });
}

/** Another key of the same kind, that nobody publishes. */
function stranger({ key }: Draft): Promise<SigningKey> {
  return makeKey(key.algorithm, key.kid);
}

function inputOf(header: TestClaims, claims: TestClaims): string {
  return `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
}
