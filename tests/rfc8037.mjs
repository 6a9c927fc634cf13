// Tokens by the example key of RFC 8037 appendix A, whose private half is public since 2017.
import { createPrivateKey } from "node:crypto";
import { ISSUER, signed } from "./support/tokens.mjs";

const KEY = createPrivateKey({
  key: {
    kty: "OKP",
    crv: "Ed25519",
    d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  },
  format: "jwk",
});

export function tokenFor(audience, claims) {
  return signed(KEY, { kid: "rfc8037" }, { iss: ISSUER, aud: audience, sub: "user-1", ...claims });
}
