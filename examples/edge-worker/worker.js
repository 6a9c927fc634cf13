// A Cloudflare worker that answers only bearers of a valid token. Keys are part of the worker: no key server is asked.
import { createVerifier } from "tokenward";
import jwks from "./jwks.json";

const verifier = createVerifier({
  jwks,
  issuer: "https://login.example",
  audience: "edge-worker-example",
  cache: true,
});

export default {
  fetch(request) {
    const token = request.headers.get("authorization")?.match(/^Bearer (.+)$/i)?.[1];
    if (token === undefined) return refuse("Bearer", "A bearer token is needed.");

    const result = verifier.safeVerify(token);
    if (!result.ok) return refuse('Bearer error="invalid_token"', result.error.message);

    return Response.json({ hello: result.value.claims.sub });
  },
};

/** RFC 6750 section 3. */
function refuse(challenge, message) {
  return new Response(`${message}\n`, { status: 401, headers: { "www-authenticate": challenge } });
}
