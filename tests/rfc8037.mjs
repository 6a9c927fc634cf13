// Tokens by the example key of RFC 8037 appendix A, whose private half is public since 2017.
import { createPrivateKey, sign } from "node:crypto";

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
  const parts = [
    { alg: "EdDSA", kid: "rfc8037" },
    { iss: "https://login.example", aud: audience, sub: "user-1", ...claims },
  ];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${sign(null, Buffer.from(input), KEY).toString("base64url")}`;
}
