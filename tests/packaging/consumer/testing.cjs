const { createVerifier } = require("tokenward");
const { createTestIssuer } = require("tokenward/testing");

async function main() {
  const issuer = await createTestIssuer();
  const verifier = createVerifier(issuer.options);
  const { claims } = verifier.verify(await issuer.token());
  const refused = verifier.safeVerify(await issuer.token({}, { flaw: "alg_none" }));
  const session = await issuer.session();
  console.log(claims.sub, session.state.access, refused.error.code);
  session.stop();
}

main();
