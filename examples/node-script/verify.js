// Verifies the token on standard input, without a network: prints its claims, or what is wrong with it, and then ends with 1.
//
//   node verify.js < token.txt
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { createVerifier } from "tokenward";

const verifier = createVerifier({
  jwks: readFileSync(new URL("jwks.json", import.meta.url), "utf8"),
  issuer: "https://login.example",
  audience: "node-script-example",
});

// Not as an argument: other programs and the shell's history see those.
const token = (await text(process.stdin)).trim();
const result = verifier.safeVerify(token);
if (result.ok) {
  console.log(JSON.stringify(result.value.claims, null, 2));
} else {
  console.error(`${result.error.code}: ${result.error.message}`);
  process.exitCode = 1;
}
