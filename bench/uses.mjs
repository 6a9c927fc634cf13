// npm run bench -- uses: what the first uses of an elliptic curve's key cost, as multiples of a warm one, in this Node.
import { createVerifier } from "tokenward";
import { AUDIENCE, ISSUER } from "./expected.mjs";

const KEYS = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  EdDSA: { name: "Ed25519" },
};
const USES = 14;
const ROUNDS = 200;
// The last ones are warm: the key's tables are made at the ninth.
const WARM = 10;

const segment = (value) => Buffer.from(value).toString("base64url");

export async function main() {
  console.log(
    `Uses 1 to ${USES} of a new key, each as a multiple of a warm one (the least tenth of ${ROUNDS} keys):\n`,
  );
  for (const [alg, algorithm] of Object.entries(KEYS)) {
    const times = Array.from({ length: USES }, () => []);
    for (let round = 0; round < ROUNDS; round++) {
      const { verifier, tokens } = await fresh(alg, algorithm);
      for (const [use, token] of tokens.entries()) {
        const began = process.hrtime.bigint();
        verifier.verify(token);
        times[use].push(Number(process.hrtime.bigint() - began));
      }
    }
    const least = times.map((each) => each.sort((one, other) => one - other)[ROUNDS / 10]);
    const warm = Math.min(...least.slice(WARM));
    console.log(`${alg}  ${least.map((time) => (time / warm).toFixed(1)).join("  ")}  (${Math.round(warm / 1000)} us)`);
  }
}

/** A verifier whose key has verified nothing yet, and as many tokens as it is to verify. */
async function fresh(alg, algorithm) {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const tokens = [];
  for (let use = 0; use < USES; use++) {
    const claims = { iss: ISSUER, aud: AUDIENCE, exp: 4_000_000_000, use };
    const input = `${segment(JSON.stringify({ alg }))}.${segment(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input));
    tokens.push(`${input}.${segment(new Uint8Array(signature))}`);
  }
  const { ext: _, key_ops: __, ...jwk } = await crypto.subtle.exportKey("jwk", publicKey);
  return { verifier: createVerifier({ jwks: [jwk], issuer: ISSUER, audience: AUDIENCE }), tokens };
}
