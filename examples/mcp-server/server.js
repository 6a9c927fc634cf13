// An MCP server over Streamable HTTP that answers only those who bring a token for it, and tells the others where to get one.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createVerifier } from "tokenward";
import { expressGate } from "tokenward/express";
import { createKeyStore } from "tokenward/keys";
import { z } from "zod";

/** `origin`: of this server, as clients know it. `issuer`: whose tokens it takes. `jwks`: that issuer's keys. */
export function createApp({ origin, issuer, jwks }) {
  const identifier = `${origin}/mcp`;
  // Access tokens (RFC 9068) for this server, and no others: not ID tokens, not those for another API.
  const expected = { audience: identifier, typ: "at+jwt", requiredClaims: ["sub", "client_id"] };
  const verifier = createVerifier({ jwks, issuer, ...expected, cache: true });
  const keys = createKeyStore({ verifier, bundled: jwks, issuer, refreshEvery: "1h" });
  setInterval(() => keys.refreshIfDue().catch(({ message }) => console.warn(message)), 60_000).unref();

  const app = express();
  app.use(
    expressGate({
      verifier: keys,
      // Other hosts are answered 421: no page that calls itself by this machine's address gets an answer (DNS rebinding).
      origin,
      // MCP clients find the issuer by this (RFC 9728).
      resource: { identifier, authorizationServers: [issuer], scopes: ["notes:read", "notes:write"] },
      rules: [{ match: "/mcp", needs: { scope: "notes:read" } }],
    }),
  );
  app.post("/mcp", express.json(), async (request, response) => {
    // Each request has a server of its own, and a token of its own: there is no session that somebody could take over.
    const server = serverFor(request.gate.claims);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on("close", () => server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all("/mcp", (_request, response) => response.status(405).set("allow", "POST").end());
  return app;
}

/** Notes of each person: in memory, and the last hundred of them. */
const notes = new Map();
const MOST_NOTES = 100;

/** What this person may do, by a client that they let in. */
function serverFor({ sub, scope = "" }) {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  const own = () => notes.get(sub) ?? [];
  server.registerTool("list_notes", { description: "Lists your notes" }, () => textOf(own().join("\n")));
  // Who may not write is not offered to.
  if (scope.split(" ").includes("notes:write")) {
    const inputSchema = { text: z.string().min(1).max(1000) };
    server.registerTool("add_note", { description: "Adds a note", inputSchema }, ({ text }) => {
      notes.set(sub, [...own(), text].slice(-MOST_NOTES));
      return textOf("added");
    });
  }
  return server;
}

const textOf = (text) => ({ content: [{ type: "text", text }] });
