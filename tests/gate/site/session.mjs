// The session of page and worker: the same options, the same storage.
import { createVerifier } from "tokenward";
import { createSession } from "tokenward/session";

export const session = createSession({
  verifier: createVerifier({ jwks: globalThis.KEYS, issuer: "https://login.test", audience: "app" }),
  provider: null,
});
