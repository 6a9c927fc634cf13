// What may come back when keys are asked for: the old set stays, and the error says what it was.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createKeyStore, KeyStoreError } from "tokenward/keys";
import { testKeys } from "../conformance/keys.mjs";
import { serveKeys, startProvider } from "./provider.mjs";
import { accepted, k1, k2, openStore, privateKey, providerFor } from "./stores.mjs";

const json = { "Content-Type": "application/json" };
const sending =
  (body, status = 200, headers = json) =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const sendingKeys = (...keys) => sending(JSON.stringify({ keys }));
const SET = JSON.stringify({ keys: [k2] });
const PORTAL = "<!doctype html><title>Welcome to Hotel Wi-Fi</title><form action=/login>";

/** What the provider does, and the error it gives. */
const FAILURES = [
  ["a captive portal's page", sending(PORTAL, 200, { "Content-Type": "text/html" }), "invalid_set"],
  ["such a page with the type of JSON", sending(PORTAL), "invalid_set"],
  ["an empty answer", sending(""), "invalid_set"],
  ["JSON cut short, complete for HTTP", sending(SET.slice(0, -1)), "invalid_set"],
  ["JSON twice", sending(SET + SET), "invalid_set"],
  ["another JSON", sending('{"error":"not_found"}'), "invalid_set"],
  ["null", sending("null"), "invalid_set"],
  ["an array of keys, which is no set", sending(JSON.stringify([k2])), "invalid_set"],
  ["a set whose keys are no array", sending('{"keys":{}}'), "invalid_set"],
  ["a set of no keys", sending('{"keys":[]}'), "invalid_set"],
  ["a set whose keys are no objects", sending('{"keys":[1]}'), "invalid_set"],
  ["the same member twice", sending(`{"keys":[],${SET.slice(1)}`), "invalid_set"],
  ["a number for a key id", sendingKeys({ ...k2, kid: 7 }), "invalid_set"],
  ["only keys for encryption", sendingKeys({ ...k2, use: "enc" }), "invalid_set"],
  ["only keys of unknown type", sendingKeys({ kty: "PQC", kid: "new" }), "invalid_set"],
  ["a private key", sendingKeys(privateKey), "invalid_set"],
  ["secrets alone", sendingKeys(privateKey, { kty: "oct", k: "c2VjcmV0" }), "invalid_set"],
  [
    "bytes that are no UTF-8",
    sending(Buffer.from(JSON.stringify({ keys: [{ ...k2, kid: "ÿ" }] }), "latin1")),
    "invalid_set",
  ],
  ["status 500", sending(SET, 500), "http_status", 500],
  ["status 503 with a page", sending(PORTAL, 503), "http_status", 503],
  ["status 404", sending(SET, 404), "http_status", 404],
  ["status 401", sending(SET, 401), "http_status", 401],
  ["status 206", sending(SET, 206), "http_status", 206],
  ["status 204", sending("", 204), "http_status", 204],
  ["status 304 that was not asked for", sending("", 304), "http_status", 304],
  ["a redirect without an address", sending("", 302), "http_status", 302],
  ["a redirect to nonsense", sending("", 302, { Location: "http://[" }), "unreachable", 302],
  ["a redirect to plain http", sending("", 302, { Location: "http://login.example/keys" }), "insecure_url"],
  ["a redirect to a file", sending("", 302, { Location: "file:///etc/passwd" }), "insecure_url"],
  ["a redirect to text in an address", sending("", 302, { Location: `data:,${SET}` }), "insecure_url"],
  ["a redirect too many", redirecting(6), "http_status", 302],
  ["a redirect for ever", sending("", 302, { Location: "/keys" }), "http_status", 302],
  ["more bytes than allowed, announced", sending(SET.padEnd(524_289)), "too_large"],
  ["more bytes than allowed, not announced", (_, response) => endless(response), "too_large"],
  [
    "more bytes than allowed, compressed",
    sending(gzipSync(SET.padEnd(10_000_000)), 200, { ...json, "Content-Encoding": "gzip" }),
    "too_large",
  ],
  [
    "more keys than allowed",
    sendingKeys(...Array.from({ length: 101 }, (_, index) => ({ ...k2, kid: `${index}` }))),
    "too_many_keys",
  ],
  ["no answer", () => {}, "timeout"],
  ["headers, and then nothing", (_, response) => response.writeHead(200, json).flushHeaders(), "timeout"],
  ["half of the answer, and then nothing", (_, response) => response.writeHead(200).write(SET.slice(0, 20)), "timeout"],
  ["a broken connection", (request) => request.socket.destroy(), "unreachable"],
  ["a connection that breaks in the answer", (_, response) => breakingOff(response), "unreachable"],
  ["something that is not HTTP", (request) => request.socket.end("SSH-2.0-OpenSSH_9.9\r\n"), "unreachable"],
];

for (const [name, answer, code, status] of FAILURES) {
  test(`${name}: ${code}, and the old set stays, in use and stored`, async (t) => {
    const provider = await providerFor(t, [k1, k2]);
    const { store, storage, clock } = openStore(provider);
    await store.refresh();
    provider.answer = answer;
    // Another tab, so that only what must not be answered in time is asked in haste. A 304 nobody asked for takes one
    // that knows no ETag.
    const more = code === "timeout" ? { timeout: 0.05 } : {};
    const { store: failing } = openStore(provider, status === 304 ? {} : { storage, clock, ...more });
    await failing.load();
    const before = accepted(failing);
    const expected = status === undefined ? { code } : { code, status };
    await assert.rejects(failing.refresh(), { name: "KeyStoreError", ...expected });
    assert.deepEqual(accepted(failing), before);
    const { store: reloaded } = openStore(provider, { storage, clock });
    await reloaded.load();
    assert.deepEqual(accepted(reloaded), ["k1", "k2"]);
    provider.answer = undefined;
    provider.keys = [k2];
    assert.deepEqual(await (code === "timeout" ? store : failing).refresh(), { outcome: "updated" });
  });
}

test("nobody there: unreachable", async () => {
  const provider = await startProvider([k2]);
  await provider.close();
  const { store } = openStore(provider);
  await assert.rejects(store.refresh(), { code: "unreachable" });
  assert.deepEqual(accepted(store), ["k1"]);
});

test("limits are the app's: bytes and keys to the last one", async (t) => {
  const provider = await providerFor(t, [k1, k2]);
  const size = JSON.stringify({ keys: [k1, k2] }).length;
  const outcome = async (options) =>
    (
      await openStore(provider, options)
        .store.refresh()
        .catch((error) => error)
    ).code;
  assert.equal(await outcome({ maxBytes: size }), undefined);
  assert.equal(await outcome({ maxBytes: size - 1 }), "too_large");
  assert.equal(await outcome({ maxKeys: 2 }), undefined);
  assert.equal(await outcome({ maxKeys: 1 }), "too_many_keys");
});

test("the default takes the sets of providers with many keys and their certificates", async (t) => {
  // A certificate for 2,048 bits is some 900 bytes; FusionAuth publishes one with each RSA key, those of all tenants at once.
  const { jwk } = testKeys().rsa2048;
  const certificate = {
    x5c: [Buffer.alloc(900, 7).toString("base64")],
    x5t: Buffer.alloc(20, 7).toString("base64url"),
    "x5t#S256": Buffer.alloc(32, 7).toString("base64url"),
  };
  const many = (count) =>
    Array.from({ length: count }, (_, kid) => ({ ...jwk, alg: "RS256", use: "sig", kid: `${kid}`, ...certificate }));
  for (const count of [40, 99]) {
    const provider = await providerFor(t, [...many(count), k2]);
    assert.ok(JSON.stringify(provider.keys).length > 65_536);
    const { store } = openStore(provider);
    await store.refresh();
    assert.deepEqual(accepted(store), ["k2"]);
    assert.equal(store.keys.length, count + 1);
  }
});

test("unknown types among known ones are skipped, as RFC 7517 section 5 asks", async (t) => {
  const provider = await providerFor(t, [{ kty: "PQC", kid: "new" }, k2]);
  const { store } = openStore(provider);
  await store.refresh();
  assert.deepEqual(accepted(store), ["k2"]);
});

test("redirects to https or loopback are followed, and conditions go along", async (t) => {
  const provider = await providerFor(t, [k2]);
  const target = await providerFor(t, [k2]);
  provider.answer = sending("", 307, { Location: target.jwksUri });
  const { store } = openStore(provider);
  assert.deepEqual(await store.refresh(), { outcome: "updated" });
  assert.deepEqual(await store.refresh(), { outcome: "unchanged" });
  assert.deepEqual(
    target.requests.map(({ headers }) => headers["if-none-match"]),
    [undefined, '"azI"'],
  );
});

test("five redirects are followed", async (t) => {
  const provider = await providerFor(t);
  provider.answer = redirecting(5);
  assert.deepEqual(await openStore(provider).store.refresh(), { outcome: "updated" });
});

test("from https no redirect leads to plain http, not even on loopback", async () => {
  const fetch = (url) =>
    Promise.resolve(
      url.startsWith("https:")
        ? new Response(null, { status: 302, headers: { Location: "http://127.0.0.1:9/keys" } })
        : new Response(SET),
    );
  const { store } = openStore({ jwksUri: "https://login.example/keys" }, { fetch });
  await assert.rejects(store.refresh(), { code: "insecure_url" });
});

test("a fetch that follows redirects by itself is held to where it came to", async () => {
  const answered = (url) => Object.defineProperty(new Response(SET), "url", { value: url });
  const from = (url) =>
    openStore({ jwksUri: "https://login.example/keys" }, { fetch: () => Promise.resolve(answered(url)) }).store;
  assert.deepEqual(await from("https://cdn.example/keys").refresh(), { outcome: "updated" });
  await assert.rejects(from("http://cdn.example/keys").refresh(), { code: "insecure_url" });
});

test("where a redirect cannot be seen, as in browsers, it is followed and its end checked", async () => {
  const asked = [];
  const opaque = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  const fetch = (_, { redirect }) => {
    asked.push(redirect);
    if (redirect === "manual") return Promise.resolve(opaque);
    return Promise.resolve(Object.defineProperty(new Response(SET), "url", { value: "http://cdn.example/keys" }));
  };
  const { store } = openStore({ jwksUri: "https://login.example/keys" }, { fetch });
  await assert.rejects(store.refresh(), { code: "insecure_url" });
  assert.deepEqual(asked, ["manual", "follow"]);
});

test("addresses must be https, or loopback in any of its spellings", () => {
  const at = (jwksUri) => () => openStore({ jwksUri });
  for (const address of [
    "https://login.example/keys",
    "http://localhost:9011/keys",
    "http://localhost./keys",
    "http://auth.localhost:9011/keys",
    "http://AUTH.Localhost/keys",
    "http://a.b.localhost./keys",
    "http://127.0.0.1/keys",
    "http://127.255.3.4/keys",
    "http://127.1/keys",
    "http://0x7f.0.0.1/keys",
    "http://[::1]:8080/keys",
    "http://[0:0:0:0:0:0:0:1]/keys",
  ]) {
    assert.doesNotThrow(at(address), address);
  }
  for (const address of [
    "http://login.example/keys",
    "http://127.0.0.1.example/keys",
    "http://localhost.example/keys",
    "http://auth.localhost.example/keys",
    "http://notlocalhost/keys",
    "http://auth-localhost/keys",
    "http://localhost.localdomain/keys",
    "http://auth.localhost:secret@login.example/keys",
    "http://128.0.0.1/keys",
    "http://10.0.0.1/keys",
    "http://[::2]/keys",
    "http://[::ffff:127.0.0.1]/keys",
    "ftp://login.example/keys",
    "file:///keys.json",
    "data:application/json,{}",
    "https://user:secret@login.example/keys",
  ]) {
    assert.throws(at(address), (error) => error instanceof KeyStoreError && error.code === "insecure_url", address);
    assert.throws(at(address), ({ message }) => !message.includes("secret"));
  }
});

test("no cookies, no referrer, no body; JSON is asked for", async (t) => {
  const provider = await providerFor(t, [k2]);
  const { store } = openStore(provider);
  await store.refresh();
  const [{ headers }] = provider.requests;
  assert.match(headers.accept, /application\/json/);
  for (const name of ["cookie", "referer", "authorization", "content-length"]) assert.equal(headers[name], undefined);
});

test("a fetch that heeds no signal is not waited for", async () => {
  const { store } = openStore(
    { jwksUri: "https://login.example/keys" },
    { fetch: () => new Promise(() => {}), timeout: 0.01 },
  );
  await assert.rejects(store.refresh(), { code: "timeout" });
});

test("the Date of answers that held is told, and of no other", async (t) => {
  const provider = await providerFor(t, [k2]);
  const times = [];
  const { store } = openStore(provider, { onServerTime: (time) => times.push(time) });
  const dated = (date) => (request, response) => {
    response.setHeader("Date", date);
    serveKeys(provider, request, response);
  };
  provider.answer = dated("Tue, 01 Dec 2026 00:00:00 GMT");
  await store.refresh();
  await store.refresh();
  provider.answer = sending(PORTAL, 200, { Date: "Wed, 02 Dec 2026 00:00:00 GMT" });
  await assert.rejects(store.refresh());
  provider.answer = dated("yesterday");
  await store.refresh();
  assert.deepEqual(times, [1796083200, 1796083200]);
});

test("options are checked by name and value", () => {
  const provider = { jwksUri: "https://login.example/keys" };
  const refused = (more, error) => assert.throws(() => openStore(provider, more), { name: "ConfigError", ...error });
  refused({ jwksURL: "https://login.example" }, { code: "unknown_option", option: "jwksURL" });
  refused({ verifier: undefined }, { code: "missing_option", option: "verifier" });
  refused({ verifier: openStore(provider).store }, { code: "invalid_option", option: "verifier" });
  refused({ jwksUri: undefined }, { code: "missing_option", option: "issuer" });
  refused({ jwksUri: "/keys" }, { code: "invalid_option", option: "jwksUri" });
  refused({ issuer: "login.example" }, { code: "invalid_option", option: "issuer" });
  for (const option of ["refreshEvery", "cooldown", "timeout"]) {
    for (const value of ["1 day", -1, Number.NaN, {}]) refused({ [option]: value }, { code: "invalid_option", option });
  }
  for (const option of ["maxBytes", "maxKeys"]) {
    for (const value of [0, 1.5, "10", Number.POSITIVE_INFINITY])
      refused({ [option]: value }, { code: "invalid_option", option });
  }
  const others = { bundledAt: "2026", issuer: 7, storage: {}, pin: "false", fetch: {}, now: 7, onServerTime: 7 };
  for (const [option, value] of Object.entries({ ...others, onError: null })) {
    refused({ [option]: value }, { code: "invalid_option", option });
  }
  const { verifier } = openStore(provider);
  for (const bundled of ["{", "null", '{"keys":1}']) {
    assert.throws(() => createKeyStore({ verifier, bundled, ...provider }), {
      code: "invalid_jwks",
      option: "bundled",
    });
  }
  assert.throws(() => createKeyStore({ verifier, bundled: [privateKey], ...provider }), { code: "private_key" });
  assert.throws(() => createKeyStore({ verifier, ...provider }), { code: "missing_option", option: "bundled" });
});

function redirecting(times) {
  return ({ url }, response) => {
    const hop = Number(new URL(url, "http://localhost").searchParams.get("hop"));
    if (hop === times) return response.writeHead(200, json).end(SET);
    response.writeHead(302, { Location: `/keys?hop=${hop + 1}` }).end();
  };
}

function endless(response) {
  response.writeHead(200, json);
  const more = () => {
    while (!response.destroyed && response.write(" ".repeat(16_384)));
  };
  response.on("drain", more);
  more();
}

function breakingOff(response) {
  response.writeHead(200, { "Content-Length": SET.length });
  response.write(SET.slice(0, 20), () => response.destroy());
}

test("an answer that announces too much is let go of, so that its connection is free", async () => {
  const letGo = [];
  const body = new ReadableStream({ cancel: () => letGo.push(body) }, { highWaterMark: 0 });
  const fetch = async () => new Response(body, { headers: { ...json, "content-length": "9999999" } });
  const { store } = openStore({ jwksUri: "https://login.example/keys" }, { fetch });
  await assert.rejects(store.refresh(), { code: "too_large" });
  assert.equal(letGo.length, 1);
});
