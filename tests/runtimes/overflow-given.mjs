// What `overflow.mjs` needs, made by Node as data that any runtime reads.
import { readFileSync } from "node:fs";
import { kept } from "../conformance/kept.mjs";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, ISSUER, NOW, signed } from "../conformance/tokens.mjs";

/** Kept beside the table of the conformance suite, for the runtimes that read it there. */
export function overflowGiven() {
  return kept("overflow.json", readFileSync(new URL(import.meta.url), "utf8"), () => {
    const { rsa2048, p256, ed25519 } = testKeys();
    const kinds = [
      [p256, "ES256"],
      [rsa2048, "RS256"],
      [ed25519, "EdDSA"],
    ].map(([key, alg]) => {
      const token = signed(key, { alg });
      return { jwk: key.jwk, token, forged: `${token.slice(0, -8)}AAAAAAAA` };
    });
    return { now: NOW, issuer: ISSUER, audience: AUDIENCE, kinds };
  });
}
