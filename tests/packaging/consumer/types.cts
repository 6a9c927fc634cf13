// The same types for CommonJS.
import tokenward = require("tokenward");
import slim = require("tokenward/slim");

const verifier: tokenward.Verifier = tokenward.createVerifier({ jwks: [], issuer: null, audience: "app" });
const slimVerifier: slim.Verifier = slim.createVerifier({ jwks: [], issuer: null, audience: "app" });
// @ts-expect-error: no audience
tokenward.createVerifier({ jwks: [], issuer: null });

const subject: string | undefined = verifier.verify("").claims.sub;
void [subject, slimVerifier];
