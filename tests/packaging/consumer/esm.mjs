import { readFileSync } from "node:fs";
import { createVerifier, TokenError } from "tokenward";

const { token, ...options } = JSON.parse(readFileSync("given.json", "utf8"));
const { verify, safeVerify } = createVerifier(options);
const refused = safeVerify(`${token}.`);
console.log(verify(token).claims.sub, refused.error instanceof TokenError, refused.error.code);
