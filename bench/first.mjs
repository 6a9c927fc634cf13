// Run in a process of its own: the milliseconds from nothing loaded to one verified token, importing included.
//
//   node bench/first.mjs tokenward|jose < {"jwks", "token", "algorithm"}
import { readFileSync } from "node:fs";
import { AUDIENCE, ISSUER } from "./expected.mjs";

const { jwks, token, algorithm } = JSON.parse(readFileSync(0, "utf8"));

const verifyFirst = {
  tokenward: async () => {
    const { createVerifier } = await import("tokenward");
    createVerifier({ jwks, issuer: ISSUER, audience: AUDIENCE }).verify(token);
  },
  jose: async () => {
    const { createLocalJWKSet, jwtVerify } = await import("jose");
    await jwtVerify(token, createLocalJWKSet(jwks), { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm] });
  },
}[process.argv[2]];

const started = performance.now();
await verifyFirst();
console.log(performance.now() - started);
