// A token signed with ML-DSA-65 (RFC 9964), by noble-post-quantum: Node 20 has none. Its key ends with this process.

import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";
import { CLAIMS } from "./signer.mjs";

const { publicKey, secretKey } = ml_dsa65.keygen();
const encode = (content) => Buffer.from(content).toString("base64url");
const header = { alg: "ML-DSA-65", kid: "ml-dsa-65", typ: "at+jwt" };
const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(CLAIMS))}`;

export const ML_DSA_SAMPLE = {
  id: "ml-dsa-65",
  group: "Holds",
  title: "ML-DSA-65",
  about: "Post-quantum: a token of 4.6 kB, verified by a module of its own, which is loaded now.",
  token: `${input}.${encode(ml_dsa65.sign(Buffer.from(input), secretKey))}`,
  jwks: { keys: [{ kid: "ml-dsa-65", kty: "AKP", alg: "ML-DSA-65", pub: encode(publicKey) }] },
  expect: { ok: true },
};
