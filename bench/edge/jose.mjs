// As jose's documentation has it: a remote key set, which jose keeps for a while.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { AUDIENCE, COOLDOWN, guardedBy, ISSUER, once, REFRESH_EVERY, TIMEOUT } from "./app.mjs";

const made = once(({ JWKS_URI }) =>
  createRemoteJWKSet(new URL(JWKS_URI), {
    cacheMaxAge: REFRESH_EVERY * 1000,
    cooldownDuration: COOLDOWN * 1000,
    timeoutDuration: TIMEOUT * 1000,
  }),
);
const EXPECTED = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["ES256"], requiredClaims: ["exp"] };

export default guardedBy(async (context, next) => {
  const token = /^bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
  if (token === undefined) return context.json({}, 401);
  try {
    const { payload } = await jwtVerify(token, made(context.env), EXPECTED);
    context.set("sub", payload.sub);
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return context.json({}, 401);
    throw error;
  }
  await next();
});
