// The API of examples/offline-notes: it judges every request itself, whatever an app has allowed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createVerifier } from "tokenward";
import { createTestIssuer } from "tokenward/testing";
import { copyOf } from "./example.mjs";

let issuer;
let server;
let url;

before(async () => {
  const { createApp } = await import(pathToFileURL(`${await copyOf("offline-notes")}/server/app.js`));
  issuer = await createTestIssuer({ algorithms: ["ES256"] });
  const files = (_request, response) => response.send("a page");
  server = createApp({ verifier: createVerifier(issuer.options), files }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server?.close());

async function ask(path, token, { method = "GET", body, type = "application/json" } = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": type }) };
  const response = await fetch(url + path, { method, headers, body });
  return [response.status, await response.text(), response.headers];
}
const writer = (sub) => issuer.token({ sub, scope: "openid notes:write" });
const note = (text) => ({ method: "PUT", body: JSON.stringify({ text }) });

test("everybody has their own notes, the newest first", async () => {
  const [ada, ben] = [await writer("ada"), await writer("ben")];
  assert.equal((await ask("/api/notes/1", ada, note("first")))[0], 204);
  assert.equal((await ask("/api/notes/2", ada, note("second")))[0], 204);
  const [, text, headers] = await ask("/api/notes", ada);
  assert.deepEqual(JSON.parse(text), [
    { id: "2", text: "second" },
    { id: "1", text: "first" },
  ]);
  assert.equal(headers.get("cache-control"), "private, no-cache");
  assert.equal((await ask("/api/notes", ben))[1], "[]");
  assert.equal((await ask("/api/notes/1", ben, { method: "DELETE" }))[0], 204);
  assert.equal(JSON.parse((await ask("/api/notes", ada))[1]).length, 2, "nobody deletes another's");
  assert.equal((await ask("/api/notes/1", ada, { method: "DELETE" }))[0], 204);
  assert.equal(JSON.parse((await ask("/api/notes", ada))[1]).length, 1);
});

test("what may not be, or makes no sense, is refused with a reason, and nothing is kept", async () => {
  const carol = await writer("carol");
  const reader = await issuer.token({ sub: "carol", scope: "openid" });
  const expired = await issuer.token({ sub: "carol", scope: "notes:write", exp: 1 });
  const listed = await issuer.token({ sub: "carol", scope: ["notes:write"] });
  const cases = [
    ["no token", "/api/notes", undefined, {}, 401, /signed_out/],
    ["no token, in other letters", "/API/notes", undefined, {}, 400, /ambiguous_path/],
    ["two readings", "/api%2fnotes", carol, {}, 400, /ambiguous_path/],
    ["an expired token", "/api/notes/1", expired, note("x"), 401, /"reason":"expired"/],
    ["no right to write", "/api/notes/1", reader, note("x"), 403, /insufficient_scope/],
    ["no right to delete", "/api/notes/1", reader, { method: "DELETE" }, 403, /insufficient_scope/],
    ["a scope that is no text", "/api/notes/1", listed, note("x"), 403, /insufficient_scope/],
    ["an empty note", "/api/notes/1", carol, note(""), 400, /1 to 2,000/],
    ["a long note", "/api/notes/1", carol, note("x".repeat(2001)), 400, /1 to 2,000/],
    ["no text", "/api/notes/1", carol, note(7), 400, /1 to 2,000/],
    ["a long name", `/api/notes/${"x".repeat(65)}`, carol, note("x"), 400, /1 to 2,000/],
    ["no JSON", "/api/notes/1", carol, { method: "PUT", body: "{" }, 400, /^\{"error":"entity\.parse\.failed"\}$/],
    ["null", "/api/notes/1", carol, { method: "PUT", body: "null" }, 400, /entity\.parse\.failed/],
    ["another type", "/api/notes/1", carol, { method: "PUT", body: "x", type: "text/plain" }, 400, /1 to 2,000/],
    ["far too much", "/api/notes/1", carol, note("x".repeat(20_000)), 413, /entity\.too\.large/],
    ["another path", "/api/others", carol, {}, 404, /not_found/],
  ];
  for (const [what, path, token, init, status, body] of cases) {
    const [got, text] = await ask(path, token, init);
    assert.equal(got, status, what);
    assert.match(text, body, what);
  }
  assert.equal((await ask("/api/notes", carol))[1], "[]");
});

test("one person's notes have a limit, another's are not touched by it", async () => {
  const dora = await writer("dora");
  for (let id = 0; id < 500; id += 1) assert.equal((await ask(`/api/notes/${id}`, dora, note("x")))[0], 204);
  assert.equal((await ask("/api/notes/500", dora, note("x")))[0], 409);
  assert.equal((await ask("/api/notes/499", dora, note("y")))[0], 204, "what is there may change");
  assert.equal((await ask("/api/notes/1", await writer("ed"), note("x")))[0], 204);
});

test("all else is the app's files, for everybody", async () => {
  assert.deepEqual((await ask("/app/notes.html")).slice(0, 2), [200, "a page"]);
});
