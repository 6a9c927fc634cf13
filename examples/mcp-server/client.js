// The SDK's own client: it knows the server's address and nothing else, and finds out where and how to sign in.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

/** Signs in and connects. `browse` shows an address to the person, who signs in there. */
export async function connect(url, browse) {
  const state = crypto.randomUUID();
  const callback = await listenForCode(state);
  try {
    const authProvider = memoryOf(callback.url, state, browse);
    const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider });
    const first = transport();
    try {
      return await connected(first);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    await first.finishAuth(await callback.code);
    return await connected(transport());
  } finally {
    callback.close();
  }
}

async function connected(transport) {
  const client = new Client({ name: "notes-client", version: "1.0.0" });
  await client.connect(transport);
  return client;
}

/** What the SDK's OAuth client wants to be kept: here in memory, in an app where its secrets are. */
function memoryOf(redirectUrl, state, browse) {
  const kept = {};
  return {
    redirectUrl,
    clientMetadata: { client_name: "Notes", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none" },
    state: () => state,
    clientInformation: () => kept.client,
    saveClientInformation(client) {
      kept.client = client;
    },
    tokens: () => kept.tokens,
    saveTokens(tokens) {
      kept.tokens = tokens;
    },
    codeVerifier: () => kept.verifier,
    saveCodeVerifier(verifier) {
      kept.verifier = verifier;
    },
    redirectToAuthorization: browse,
  };
}

/** A server on this machine, for the moment in which the provider sends the person back. */
async function listenForCode(state) {
  let give;
  const code = new Promise((resolve) => {
    give = resolve;
  });
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url, "http://127.0.0.1");
    // A code that nobody has asked for is somebody else's.
    const isOurs = searchParams.get("state") === state && searchParams.has("code");
    response.writeHead(isOurs ? 200 : 400).end(isOurs ? "You may close this page." : "This is no answer to us.");
    if (isOurs) give(searchParams.get("code"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/callback`, code, close };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const url = process.argv[2] ?? "http://127.0.0.1:3000/mcp";
  const client = await connect(url, (address) => console.log(`Sign in here: ${address}`));
  await client.callTool({ name: "add_note", arguments: { text: `Hello at ${new Date().toISOString()}` } });
  const { content } = await client.callTool({ name: "list_notes", arguments: {} });
  console.log(content[0].text);
  await client.close();
}
