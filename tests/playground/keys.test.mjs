// Fetching keys in the playground: limits, progress, a way to stop, and an error of its own for whatever goes wrong.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { openChromium } from "../browsers/chromium.mjs";
import { json, startServer } from "../providers/server.mjs";
import { pageOf } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

const CORS = { "access-control-allow-origin": "*" };
const publicKey = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
const secret = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
const good = { ...publicKey, kid: "good" };

describe("fetching keys", () => {
  let playground;
  let chromium;
  let page;
  let look;
  let issuer;
  /** How the issuer answers for its metadata and its keys. */
  let metadata;
  let keys;
  before(async () => {
    playground = await startTestPlayground();
    chromium = await openChromium();
    issuer = await startServer(({ url }, response) => (url === "/keys" ? keys : metadata)(response));
  });
  after(async () => {
    await chromium?.close();
    await issuer?.close();
    await playground?.close();
  });
  beforeEach(async () => {
    metadata = (response) => json(response, 200, { issuer: issuer.origin, jwks_uri: `${issuer.origin}/keys` }, CORS);
    keys = (response) => json(response, 200, { keys: [good] }, CORS);
    ({ page, look } = await pageOf(await chromium.newContext()));
    await page.goto(playground.url);
    await page.fill("#jwks", "");
  });

  const ask = async (address = issuer.origin) => {
    await page.fill("#fetch-issuer", address);
    await page.click("#fetch-button");
  };
  const answered = async () => {
    await page.waitForFunction(() =>
      /Fetched|No keys|were fetched/.test(document.querySelector("#fetch-status").textContent),
    );
    return look.text("#fetch-status");
  };

  it("puts the set on the page, as a text for people", async () => {
    await ask();
    assert.match(await answered(), /^Fetched just now/);
    assert.equal(await page.inputValue("#jwks"), JSON.stringify({ keys: [good] }, null, 2));
    assert.equal(await page.isVisible("#fetch-under-way"), false);
    assert.deepEqual(look.complaints, []);
  });

  for (const [what, answer, code, message] of [
    [
      "no permission for pages (CORS)",
      { keys: (response) => json(response, 200, { keys: [good] }) },
      "cors",
      /keys fetch/,
    ],
    [
      "a page in place of metadata",
      { metadata: (r) => json(r, 200, "<title>Free Wi-Fi</title>", CORS) },
      "invalid_set",
      /not its metadata/,
    ],
    ["keys that are no JSON", { keys: (r) => json(r, 200, "{", CORS) }, "invalid_set", /not JSON/],
    ["no set", { keys: (r) => json(r, 200, "[1]", CORS) }, "invalid_set", /no array of "keys"/],
    [
      "a member twice",
      { keys: (r) => json(r, 200, `{"keys":[],"keys":[${JSON.stringify(good)}]}`, CORS) },
      "invalid_set",
      /duplicate|twice/,
    ],
    [
      "more than is read",
      { keys: (r) => json(r, 200, { keys: [good], more: "x".repeat(600_000) }, CORS) },
      "too_large",
      /524288/,
    ],
    [
      "more than is read, without saying how much",
      {
        keys: (r) => {
          r.writeHead(200, CORS);
          for (let part = 0; part < 60; part += 1) r.write(" ".repeat(10_000));
          r.end("{}");
        },
      },
      "too_large",
      /524288/,
    ],
    ["too many keys", { keys: (r) => json(r, 200, { keys: Array(101).fill(good) }, CORS) }, "too_many_keys", /101/],
    ["private keys alone", { keys: (r) => json(r, 200, { keys: [secret] }, CORS) }, "private_key", /private half/],
    [
      "another issuer's metadata",
      { metadata: (r) => json(r, 200, { issuer: "https://evil.example" }, CORS) },
      "issuer_mismatch",
      /evil/,
    ],
    ["no metadata", { metadata: (r) => json(r, 404, {}, CORS) }, "http_status", /404/],
    [
      "an address of keys by http",
      { metadata: (r) => json(r, 200, { issuer: issuer.origin, jwks_uri: "http://keys.example/" }, CORS) },
      "insecure_url",
      /https/,
    ],
  ]) {
    it(`says what is wrong with ${what}`, async () => {
      ({ metadata = metadata, keys = keys } = answer);
      await ask();
      assert.match(await answered(), message);
      assert.equal(await look.text("#fetch-status .code-chip"), code);
      assert.equal(await page.inputValue("#jwks"), "");
      assert.equal(await page.isDisabled("#fetch-button"), false);
    });
  }

  it("says what is wrong with an address before it asks anybody", async () => {
    const before = issuer.requests.length;
    for (const address of ["login.example", "http://login.example", "https://ada:secret@login.example", ""]) {
      await ask(address);
      await answered();
      assert.equal(await look.text("#fetch-status .code-chip"), "insecure_url", address);
      await page.$eval("#fetch-status", (element) => element.replaceChildren());
    }
    assert.equal(issuer.requests.length, before);
  });

  it("leaves out private keys and their public halves, and says so", async () => {
    const { d: _, ...half } = secret;
    keys = (response) => json(response, 200, { keys: [good, secret, half] }, CORS);
    await ask();
    assert.match(await answered(), /2 left out: the set has private keys/);
    assert.deepEqual(JSON.parse(await page.inputValue("#jwks")).keys, [good]);
  });

  it("shows how much is there, and stops when it is told to", async () => {
    let gone;
    const closed = new Promise((resolve) => {
      gone = resolve;
    });
    keys = (response) => {
      response.on("close", gone);
      response.writeHead(200, { ...CORS, "content-length": "4000" });
      response.write(" ".repeat(1500));
    };
    await ask();
    await page.waitForFunction(() => document.querySelector("#fetch-bytes").textContent === "1.5 kB of 4.0 kB");
    assert.equal(await page.$eval("#fetch-progress", ({ value, max }) => value / max), 0.375);
    assert.equal(await page.isDisabled("#fetch-button"), true);
    await page.focus("#fetch-stop");
    await page.keyboard.press("Enter");
    assert.match(await answered(), /you stopped it/);
    assert.equal(await look.text("#fetch-status .code-chip"), "stopped");
    await closed;
    assert.equal(await page.evaluate(() => document.activeElement.id), "fetch-button");
    await page.$eval("#fetch-status", (element) => element.replaceChildren());
    keys = (response) => json(response, 200, { keys: [good] }, CORS);
    await ask();
    assert.match(await answered(), /^Fetched just now/);
  });

  it("takes what was kept only where the issuer does not answer", async () => {
    await ask();
    await answered();
    for (const [answer, message] of [
      [(response) => json(response, 503, {}, CORS), /cannot be reached\. These keys were fetched/],
      [(response) => response.socket.destroy(), /cannot be reached\. These keys were fetched/],
      [(response) => json(response, 200, "{", CORS), /No keys/],
      [(response) => json(response, 403, {}, CORS), /No keys/],
    ]) {
      await page.$eval("#fetch-status", (element) => element.replaceChildren());
      keys = answer;
      await ask();
      assert.match(await answered(), message);
    }
  });
});
