// A Hono app behind a gate: the gate in front of the app, or as a middleware of it, by hand and by tokenward/hono.
import { Hono } from "hono";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { honoGate } from "tokenward/hono";

// The key of RFC 8037 appendix A.
const jwks = [{ kty: "OKP", crv: "Ed25519", kid: "rfc8037", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }];
const verifier = createVerifier({ jwks, issuer: "https://login.example", audience: "edge" });
const rules = [
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/no.html", needs: null },
  { match: "/page/*", otherwise: { page: "/no.html" } },
  { match: "/*", needs: null },
];
const gateOf = (origin) => createGate({ verifier, rules, origin });
const gates = { any: createGate({ verifier, rules }), one: gateOf("http://app.test") };

function appWith(...middleware) {
  const app = new Hono();
  for (const one of middleware) app.use(one);
  app.all("/admin/*", (context) => context.text("behind admin"));
  app.get("/no.html", (context) => context.html("the page"));
  app.all("*", (context) => context.text(`open ${context.req.url}`));
  return app;
}

const plain = appWith();
const byEntry = appWith(honoGate(gates.any));
const guarded = appWith(async (context, next) => {
  const pass = async () => {
    await next();
    return context.res;
  };
  const answer = await gates.any.handle(context.req.raw, pass);
  context.res = undefined;
  context.res = answer;
});

export default {
  fetch(request) {
    const way = request.headers.get("x-way") ?? "front";
    if (way === "middleware") return guarded.fetch(request);
    if (way === "hono") return byEntry.fetch(request);
    if (way === "default") return gateOf(request.headers.get("x-origin") ?? "http://app.test").handle(request);
    if (way === "nothing") return gates.any.handle(request).catch(({ code }) => new Response(code, { status: 500 }));
    return gates[way === "one" ? "one" : "any"].handle(request, (canonical) => plain.fetch(canonical));
  },
};
