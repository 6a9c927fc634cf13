import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createVerifier, init, TokenError } from "tokenward/slim";

init(readFileSync(fileURLToPath(import.meta.resolve("tokenward/tokenward.wasm"))));
const { token, ...options } = JSON.parse(readFileSync("given.json", "utf8"));
const { verify, safeVerify } = createVerifier(options);
const refused = safeVerify(`${token}.`);
console.log(verify(token).claims.sub, refused.error instanceof TokenError, refused.error.code);
