// What runs in a runtime whose WebCrypto has ML-DSA: jose and tokenward/ml-dsa take each other's keys and tokens.
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from "jose";
import { createVerifier } from "tokenward/ml-dsa";

const issuer = "https://login.example";
const audience = "app";
const wrong = [];
let agreed = 0;
for (const alg of ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const other = await exportJWK((await generateKeyPair(alg, { extractable: true })).publicKey);
  const verifiers = [jwk, other].map((key) => createVerifier({ jwks: [key], issuer, audience }));
  for (let count = 0; count < 10; count += 1) {
    const token = await new SignJWT({ count, text: "x".repeat(count) })
      .setProtectedHeader({ alg })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime("5m")
      .sign(privateKey);
    const at = token.length - 1 - Math.floor((Math.random() * token.length) / 2);
    const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
    for (const [name, text] of Object.entries({ token, changed })) {
      for (const [index, key] of [jwk, other].entries()) {
        const jose = await jwtVerify(text, await importJWK(key, alg), { issuer, audience }).then(
          ({ payload }) => payload.count,
          () => undefined,
        );
        const answer = verifiers[index].safeVerify(text);
        const own = answer.ok ? answer.value.claims.count : undefined;
        // jose ignores bits that base64url leaves over at the end: there alone it may accept what is not the same text.
        const isLastBits = name === "changed" && at === token.length - 1 && answer.error?.code === "malformed";
        if (own === jose || isLastBits) agreed += 1;
        else wrong.push(`${alg} ${name} ${index}: jose ${jose}, tokenward ${own} ${answer.error?.message}`);
        if (name === "token" && (own !== undefined) !== (index === 0)) wrong.push(`${alg}: the right key and no other`);
      }
    }
  }
}
console.log(JSON.stringify({ agent: globalThis.navigator?.userAgent, agreed, wrong }));
