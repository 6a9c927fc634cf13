const { readFileSync } = require("node:fs");
const { createVerifier, init, TokenError } = require("tokenward/slim");

init(new WebAssembly.Module(readFileSync(require.resolve("tokenward/tokenward.wasm"))));
const { token, ...options } = JSON.parse(readFileSync("given.json", "utf8"));
const { verify, safeVerify } = createVerifier(options);
const refused = safeVerify(`${token}.`);
console.log(verify(token).claims.sub, refused.error instanceof TokenError, refused.error.code);
