// An edge worker that is all gate: keys, rules, and one answer behind them.
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";

// The key of RFC 8037 appendix A.
const jwks = [{ kty: "OKP", crv: "Ed25519", kid: "rfc8037", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];

const gate = createGate({
  verifier: createVerifier({ jwks, issuer: "https://login.example", audience: "edge", cache: true }),
  rules: [
    { match: "/open", needs: null },
    { match: "/admin/*", needs: { role: "admin" } },
    { match: "/shared/*", cache: "shared", strategy: "cache-first" },
    { match: "/*" },
  ],
});

let answers = 0;

export default {
  fetch(request) {
    const next = () => {
      answers += 1;
      return new Response(`answer ${answers}`, { headers: { "cache-control": "public, max-age=60" } });
    };
    return gate.handle(request, next) ?? next();
  },
};
