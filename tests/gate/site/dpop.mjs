// An edge worker that takes only tokens with a proof, for the origin that its users know.
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";

// The key of RFC 8037 appendix A.
const jwks = [{ kty: "OKP", crv: "Ed25519", kid: "rfc8037", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];

const gate = createGate({
  verifier: createVerifier({ jwks, issuer: "https://login.example", audience: "edge", cache: true }),
  rules: [{ match: "/*" }],
  resource: { identifier: "https://api.example", authorizationServers: ["https://login.example"] },
  dpop: { nonce: "a secret that has at least 32 bytes" },
});

export default {
  fetch: (request) => gate.handle(request, (_request, { claims }) => new Response(claims.sub)),
};
