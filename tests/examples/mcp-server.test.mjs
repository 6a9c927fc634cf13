// examples/mcp-server, discovered and called by the MCP SDK's own client, which signs in at oidc-provider.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { signIn } from "../support/browsing.mjs";
import { signed } from "../support/tokens.mjs";
import { copyOf } from "./example.mjs";

let provider;
let server;
let url;
let connect;
let createApp;
const clients = [];

before(async () => {
  const folder = await copyOf("mcp-server");
  const load = (name) => import(pathToFileURL(`${folder}/${name}.js`));
  const { startProvider } = await load("provider");
  ({ createApp } = await load("server"));
  ({ connect } = await load("client"));
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  url = `${origin}/mcp`;
  provider = await quietly(() => startProvider({ port: 0, resource: url }));
  server.on("request", createApp({ origin, issuer: provider.issuer, jwks: provider.jwks }));
});
after(async () => {
  await Promise.all(clients.map((client) => client.close()));
  server?.close();
  server?.closeAllConnections();
  await provider?.close();
});

/** The SDK's client, in whose place somebody signs in; and the addresses that it was led to. */
async function connectAs(name) {
  const seen = [];
  const client = await connect(url, async (address) => {
    seen.push(address);
    await signIn(address, name);
  });
  clients.push(client);
  return { client, seen };
}

test("the client finds the provider by the server's 401 alone, registers, signs in and calls tools", async () => {
  const { client, seen } = await connectAs("ada");
  const [asked] = seen;
  assert.equal(asked.origin, provider.issuer);
  assert.equal(asked.searchParams.get("resource"), url);
  assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ["add_note", "list_notes"]);
  await client.callTool({ name: "add_note", arguments: { text: "of Ada" } });
  assert.equal(await notesOf(client), "of Ada");

  const { client: another } = await connectAs("ben");
  assert.equal(await notesOf(another), "", "everybody has their own");
});

async function notesOf(client) {
  const { content } = await client.callTool({ name: "list_notes", arguments: {} });
  return content[0].text;
}

test("who brings no token for this server gets no answer, whatever the token is good for", async () => {
  const issuer = "https://login.example";
  const { privateKey, publicKey } = generateKeyPair("ed25519");
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "EdDSA" }] };
  const notes = createServer();
  notes.listen(0, "127.0.0.1");
  await once(notes, "listening");
  const origin = `http://127.0.0.1:${notes.address().port}`;
  const here = `${origin}/mcp`;
  notes.on("request", createApp({ origin, issuer, jwks }));
  const tokenOf = (claims, header) => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const usual = { iss: issuer, aud: here, sub: "eve", client_id: "c", scope: "notes:read", exp };
    return signed(privateKey, { kid: "1", typ: "at+jwt", ...header }, { ...usual, ...claims });
  };
  const ask = async (token, { method = "POST", host } = {}) => {
    const accept = "application/json, text/event-stream";
    const headers = { "content-type": "application/json", accept, ...(host && { host }) };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    const sent = request(here, { method, headers });
    sent.end(method === "POST" ? body : undefined);
    const [response] = await once(sent, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, challenge: response.headers["www-authenticate"], text };
  };
  const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
  const refusals = [
    ["no token", undefined, 401, `Bearer ${metadata}`],
    ["one for another server", tokenOf({ aud: `${origin}/other` }), 401, "claim_mismatch"],
    ["an ID token", tokenOf({}, { typ: "JWT" }), 401, "unexpected_type"],
    ["one of no client", tokenOf({ client_id: undefined }), 401, "missing_claim"],
    ["one of another issuer", tokenOf({ iss: "https://evil.example" }), 401, "claim_mismatch"],
    ["one for nothing here", tokenOf({ scope: "mail" }), 403, 'scope="notes:read"'],
  ];
  try {
    for (const [what, token, status, said] of refusals) {
      const { status: got, challenge, text } = await ask(token);
      assert.equal(got, status, what);
      assert.ok(challenge.includes(said) && challenge.includes(metadata), `${what}: ${challenge}`);
      assert.ok(!text.includes("list_notes"), what);
    }
    const { text } = await ask(tokenOf());
    const { result } = JSON.parse(text);
    assert.deepEqual(
      result.tools.map(({ name }) => name),
      ["list_notes"],
      "without notes:write",
    );
    assert.equal((await ask(tokenOf(), { host: "evil.example" })).status, 421);
    assert.equal((await ask(tokenOf(), { method: "GET" })).status, 405);
    assert.equal((await ask(undefined, { method: "GET" })).status, 401);
  } finally {
    notes.close();
    notes.closeAllConnections();
  }
});

/** The provider's notices are for people who deploy it. */
async function quietly(make) {
  const { info, warn } = console;
  Object.assign(console, { info() {}, warn() {} });
  try {
    return await make();
  } finally {
    Object.assign(console, { info, warn });
  }
}
