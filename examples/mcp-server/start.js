// Starts the MCP server, and a provider to try it with unless ISSUER names yours, whose keys are then in jwks.json.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { startProvider } from "./provider.js";
import { createApp } from "./server.js";

const port = Number(process.env.PORT ?? 3000);
const origin = process.env.ORIGIN ?? `http://127.0.0.1:${port}`;

const { issuer, jwks } =
  process.env.ISSUER === undefined
    ? await startProvider({ port: port + 1, resource: `${origin}/mcp` })
    : { issuer: process.env.ISSUER, jwks: JSON.parse(readFileSync("jwks.json", "utf8")) };

createServer(createApp({ origin, issuer, jwks })).listen(port, "127.0.0.1", () => {
  console.log(`MCP server: ${origin}/mcp\nIssuer: ${issuer}`);
});
