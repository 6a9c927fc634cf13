// The playground as people get it from `npm start`, in Chromium: sign in, cut the network, verify on.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, it } from "node:test";
import { openChromium } from "../browsers/chromium.mjs";
import { pageOf } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

const samples = JSON.parse(readFileSync(new URL("../../www/samples/samples.json", import.meta.url), "utf8"));
const sampleNamed = (id) => samples.find((sample) => sample.id === id);

describe("the playground", () => {
  let playground;
  let chromium;
  let page;
  let look;
  before(async () => {
    playground = await startTestPlayground();
    chromium = await openChromium();
  });
  after(async () => {
    await chromium?.close();
    await playground?.close();
  });
  beforeEach(async (test) => {
    const context = await chromium.newContext();
    test.after?.(() => context.close());
    ({ page, look } = await pageOf(context));
    await page.goto(playground.url);
  });

  /** At once, as pasting does. */
  const enter = (selector, text) =>
    page.$eval(
      selector,
      (field, value) => {
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      },
      text,
    );

  it("verifies a sample at once, and complains of nothing", async () => {
    assert.equal(await look.kind(), "verified");
    assert.equal(await look.text("#verdict-title"), "It holds");
    assert.match(await look.text("#verdict-why"), /^Signed with ES256 by the key ec-256, for 10 min more\.$/);
    assert.equal(await look.text("#checks-count"), "12 of 12 passed");
    assert.deepEqual(look.complaints, []);
  });

  it("gives every sample the answer it is a sample of", async () => {
    for (const { id, expect } of samples) {
      await page.selectOption("#sample", id);
      if (id.startsWith("ml-dsa")) await page.waitForSelector('#verdict[data-kind="verified"]');
      const failed = await look.failedCheck();
      if (expect.ok) {
        assert.equal(await look.kind(), "verified", id);
        assert.equal(failed, undefined, id);
      } else {
        assert.notEqual(await look.kind(), "verified", id);
        assert.equal(await look.text("#verdict .code-chip"), expect.code, id);
        assert.equal(failed?.code, expect.code, `${id}: the failing line carries the code`);
      }
    }
    assert.deepEqual(look.complaints, []);
  });

  it("draws whatever it is given, and nothing of the token before", async () => {
    const part = (text) => Buffer.from(text).toString("base64url");
    const header = part('{"alg":"ES256","kid":"x"}');
    const deep = `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`;
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`claim${index}`, index]));
    for (const [what, token, shown] of [
      ["deep claims", `${header}.${part(deep)}.AAAA`, /cannot be read/],
      ["a deep header", `${part(`{"alg":${deep}}`)}.e30.AAAA`, /cannot be read/],
      [
        "a long claim",
        `${header}.${part(JSON.stringify({ a: "eyJ".repeat(60_000) }))}.AAAA`,
        /… \(175000 more characters\)/,
      ],
      ["many claims", `${header}.${part(JSON.stringify(many))}.AAAA`, /4800 more are left out/],
      ["dots", ".".repeat(200_000), /cannot be read/],
    ]) {
      await page.selectOption("#sample", "es256");
      await page.$eval("#share-panel", (panel) => {
        panel.open = true;
      });
      await enter("#token", token);
      assert.equal(await look.kind(), "refused", what);
      assert.match(await look.text("#content-body"), shown, what);
      assert.doesNotMatch(await look.text("#content-body"), /ada\b|login\.example/, what);
      await page.reload();
      assert.equal(await look.kind(), "refused", `${what}, loaded again`);
    }
    for (const jwks of [
      `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
      '{"keys":[{"kty":{"toString":1},"kid":{"toString":1},"crv":[{}]}]}',
      JSON.stringify({ keys: Array(3000).fill({ kty: "OKP" }) }),
    ]) {
      await enter("#jwks", jwks);
      assert.equal(await look.kind(), "setup");
    }
    assert.equal(await page.locator("#keys li").count(), 100);
    assert.deepEqual(look.complaints, []);
  });

  it("loads ML-DSA when a key needs it, and not before", async () => {
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    assert.equal(await look.kind(), "verified");
    const isMlDsa = (path) => /\/ml-dsa-/.test(path);
    assert.equal(asked.some(isMlDsa), false);
    await page.selectOption("#sample", "ml-dsa-65");
    await page.waitForSelector('#verdict[data-kind="verified"]');
    assert.equal(asked.filter(isMlDsa).length, 1);
    assert.match(await look.text("#verdict-why"), /^Signed with ML-DSA-65 by the key ml-dsa-65/);
    assert.deepEqual(look.complaints, []);
  });

  it("lays the coloured token exactly under the field", async () => {
    await page.selectOption("#sample", "rs512");
    const [ink, field] = await page.$$eval(".paper > *", (layers) => layers.map(({ scrollHeight }) => scrollHeight));
    assert.equal(field, ink);
  });

  it("shows the checks in order: passed, failed, not reached", async () => {
    await page.selectOption("#sample", "altered");
    const states = await page.$$eval(".check", (lines) => lines.map((line) => line.className.replace("check ", "")));
    assert.deepEqual([...new Set(states)], ["passed", "failed", "unreached"]);
    assert.equal((await look.failedCheck()).name, "Signature");
    const unreached = await page.$$eval(".unreached .check-found .value", (cells) =>
      cells.map((cell) => cell.textContent),
    );
    assert.deepEqual([...new Set(unreached)], ["not reached"]);
  });

  it("never shows what an unverified token says as if it were verified", async () => {
    for (const id of ["altered", "none", "unknown-key", "duplicate"]) {
      await page.selectOption("#sample", id);
      assert.equal(await page.getAttribute("#content", "data-trust"), "unverified", id);
      assert.match(await look.text("#content-stamp"), /^Not verified/, id);
      assert.doesNotMatch(await look.text("#verdict"), /administrator|engineer|ada\b/, id);
      assert.doesNotMatch(await look.text("#checks"), /login\.example.*Found.*login\.example/, id);
      assert.equal(await page.$$eval(".axis-span.valid", (spans) => spans.length), 0, id);
    }
    await page.selectOption("#sample", "expired");
    assert.equal(await look.text("#content-stamp"), "Signed, but not accepted");
    await page.selectOption("#sample", "es256");
    assert.equal(await look.text("#content-stamp"), "Verified");
  });

  it("moves now by keyboard and by hand, and goes back to the real now", async () => {
    const slider = page.getByRole("slider", { name: /^Now/ });
    await slider.focus();
    await page.keyboard.press("End");
    assert.equal(await look.text("#verdict-title"), "Genuine, but expired");
    await page.keyboard.press("Home");
    assert.equal(await look.text("#verdict-title"), "Genuine, but not yet valid");
    for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press("PageUp");
    assert.equal(await look.kind(), "verified");
    assert.match(await slider.getAttribute("aria-valuetext"), /exp in \d+ min/);
    const box = await slider.boundingBox();
    const middle = box.y + box.height / 2;
    const at = await page.$eval(".axis-bubble", (bubble) => bubble.getBoundingClientRect().x + bubble.offsetWidth / 2);
    await page.mouse.move(at, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 20, middle, { steps: 8 });
    assert.equal(await look.text("#verdict-title"), "Genuine, but expired");
    await page.mouse.up();
    await page.click("#real-now");
    assert.equal(await look.text("#verdict-title"), "Genuine, but expired");
    assert.match(await look.text("#moment"), new RegExp(`^Now is .*${new Date().getFullYear()}`));
    assert.equal(await page.isVisible("#real-now"), false);
  });

  it("tells a listener the verdict once it changes", async () => {
    await page.selectOption("#sample", "expired");
    await page.waitForFunction(() =>
      /^Verdict: Genuine, but expired/.test(document.querySelector("#announcer").textContent),
    );
  });

  it("takes a pasted token and keys, and says what is missing", async () => {
    const { token, jwks } = sampleNamed("rs256");
    await page.click("#forget");
    assert.equal(await look.text("#verdict-title"), "Waiting for a token");
    await page.fill("#token", ` ${token}\n`);
    assert.match(await look.text("#verdict-why"), /no keys/);
    await page.fill("#jwks", "{");
    await page.fill("#issuer", "https://login.example");
    assert.match(await look.text("#verdict-why"), /audience/);
    await page.click("#copy-rules");
    assert.equal(await page.inputValue("#audience"), "https://api.example");
    assert.equal(await look.text("#verdict .code-chip"), "invalid_jwks");
    await page.fill("#jwks", JSON.stringify(jwks));
    assert.equal(await look.text("#verdict-title"), "Genuine, but expired", "by the real clock");
    await page.getByLabel("RS256").check({ force: true });
    await page.fill("#issuer", "https://other.example");
    assert.equal((await look.failedCheck()).name, "Issuer");
    await page.getByLabel("any issuer").check();
    assert.equal((await look.failedCheck()).name, "Not expired");
  });

  it("refuses key sets that must not be shipped", async () => {
    const { jwks } = sampleNamed("es256");
    await page.fill("#jwks", JSON.stringify({ keys: [{ ...jwks.keys[0], d: "AAAA" }] }));
    assert.equal(await look.text("#verdict .code-chip"), "private_key");
    assert.equal(await look.kind(), "setup");
  });

  it("fetches keys by issuer when asked, and has them when the issuer is gone", async () => {
    await page.fill("#fetch-issuer", playground.provider.issuer);
    await page.click("#fetch-button");
    await page.waitForFunction(() => /Fetched just now/.test(document.querySelector("#fetch-status").textContent));
    const fetched = await page.inputValue("#jwks");
    assert.equal(JSON.parse(fetched).keys.length, 4);
    await page.route(`${playground.provider.issuer}/**`, (route) => route.abort());
    await page.click("#forget");
    await page.click("#fetch-button");
    await page.waitForFunction(() => /cannot be reached/.test(document.querySelector("#fetch-status").textContent));
    assert.equal(await page.inputValue("#jwks"), fetched);
    await page.fill("#fetch-issuer", "http://login.example");
    await page.click("#fetch-button");
    await page.waitForFunction(() => /https/.test(document.querySelector("#fetch-status").textContent));
  });

  it("keeps no token where it would outlive the tab", async () => {
    await page.fill("#token", sampleNamed("ps256").token);
    const kept = await page.evaluate(async () => ({
      local: JSON.stringify(localStorage),
      cookies: document.cookie,
      address: location.href,
      databases: (await indexedDB.databases()).length,
    }));
    assert.deepEqual(kept, { local: "{}", cookies: "", address: playground.url, databases: 0 });
    await page.reload();
    assert.equal(await page.inputValue("#token"), sampleNamed("ps256").token);
  });
});
