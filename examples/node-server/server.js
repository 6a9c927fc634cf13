// An HTTP server that answers only bearers of a valid token. A new key set in the file is taken over while it runs.
//
//   node server.js [JWKS_FILE]
import { readFileSync, watchFile } from "node:fs";
import { createServer } from "node:http";
import { createVerifier } from "tokenward";

const keyFile = process.argv[2] ?? new URL("jwks.json", import.meta.url);
const readKeys = () => readFileSync(keyFile, "utf8");

const verifier = createVerifier({
  jwks: readKeys(),
  issuer: "https://login.example",
  audience: "node-server-example",
  cache: true,
});

watchFile(keyFile, { interval: 1000 }, () => {
  try {
    verifier.setKeys(readKeys());
    console.log("New keys are in use.");
  } catch (error) {
    console.error(`The old keys stay: ${error.message}`);
  }
});

const server = createServer((request, response) => {
  const token = request.headers.authorization?.match(/^Bearer (.+)$/i)?.[1];
  if (token === undefined) return refuse(response, "Bearer", "A bearer token is needed.");

  const result = verifier.safeVerify(token);
  if (!result.ok) return refuse(response, 'Bearer error="invalid_token"', result.error.message);

  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ hello: result.value.claims.sub }));
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});

/** RFC 6750 section 3. */
function refuse(response, challenge, message) {
  response.writeHead(401, { "www-authenticate": challenge, "content-type": "text/plain" });
  response.end(`${message}\n`);
}
