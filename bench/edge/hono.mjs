// As Hono's documentation has it: its `jwk` middleware with the address of the key set.
import { jwk } from "hono/jwk";
import { AUDIENCE, guardedBy, ISSUER } from "./app.mjs";

const check = jwk({
  jwks_uri: (context) => context.env.JWKS_URI,
  alg: ["ES256"],
  verification: { iss: ISSUER, aud: AUDIENCE },
});

export default guardedBy((context, next) =>
  check(context, () => {
    context.set("sub", context.get("jwtPayload").sub);
    return next();
  }),
);
