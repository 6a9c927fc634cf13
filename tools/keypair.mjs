// New key pairs, safely.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";

/**
 * As generateKeyPairSync. The keys take a way through PEM, because Node 20 can wait for ever where a key is exported just
 * when the work that generated it is garbage: both want the same lock.
 */
export function generateKeyPair(type, options) {
  const { privateKey, publicKey } = generateKeyPairSync(type, {
    ...options,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) };
}
