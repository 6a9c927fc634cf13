import bundled, { fetchedAt } from "virtual:tokenward/keys";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { oauthProvider } from "tokenward/providers";
import { createSession } from "tokenward/session";

export const issuer = import.meta.env.VITE_ISSUER;
export const clientId = import.meta.env.VITE_CLIENT_ID;
/** What the app may do, and what makes the provider give a refresh token. */
export const scope = "openid offline_access notes:write";
/** Which API the tokens are for (RFC 8707). `{}` if your provider does not know this parameter. */
export const target = { resource: import.meta.env.VITE_API };

const verifier = createVerifier({
  jwks: bundled,
  issuer,
  audience: import.meta.env.VITE_API,
  algorithms: ["ES256"],
});

/** The bundled keys, and fresher ones from the provider once a week. */
export const keys = createKeyStore({ verifier, bundled, bundledAt: fetchedAt, issuer });

/** Who is signed in, and what that person may do now. */
export const session = createSession({
  verifier: keys,
  provider: oauthProvider({ issuer, clientId, ...target }),
  policy: { grace: "24h", checkIn: "7d" }, // the defaults
});
