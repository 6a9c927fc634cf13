// One page is unlocked: so are this origin's other pages and workers, in real browsers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openChromium } from "../browsers/chromium.mjs";
import { openFirefox, openWebKit } from "../browsers/engines.mjs";
import { testKeys } from "../conformance/keys.mjs";
import { AUDIENCE, CLAIMS, ISSUER, signed } from "../conformance/tokens.mjs";
import { startSite } from "./site.mjs";

const { ed25519: key } = testKeys();
const iat = Math.floor(Date.now() / 1000);
const given = {
  jwks: [key.jwk],
  issuer: ISSUER,
  audience: AUDIENCE,
  token: signed(key, { alg: "EdDSA" }, { ...CLAIMS, nbf: iat, iat, exp: iat + 3600 }),
};

let site;
before(async () => {
  site = await startSite("shared-page.mjs", { "globalThis.GIVEN": JSON.stringify(given) });
});
after(() => site.close());
const address = () => `http://127.0.0.1:${site.port}/`;

for (const [name, open] of Object.entries({ Firefox: openFirefox, WebKitGTK: openWebKit })) {
  test(`a worker is unlocked by its page: ${name}`, async () => {
    const page = await open();
    try {
      await page.open(address());
      assert.equal(await page.ask("shared.signIn()"), "signed_in");
      assert.equal(await page.ask("shared.worker()"), true);
      await page.open(address());
      assert.equal(await page.ask("shared.status()"), "locked");
      assert.equal(await page.ask("shared.unlock()"), "signed_in");
      assert.equal(await page.ask("shared.worker()"), true);
    } finally {
      await page.close();
    }
  });
}

describe("Chromium", () => {
  let browser;
  let tabs;
  before(async () => {
    browser = await openChromium();
    const context = await browser.newContext();
    tabs = await Promise.all([context.newPage(), context.newPage()]);
    for (const tab of tabs) await tab.goto(address());
  });
  after(() => browser?.close());

  test("a worker is unlocked by its page, and so is a tab that was there before", async () => {
    const [one, other] = tabs;
    const unlocked = other.evaluate("shared.unlockedByOthers()");
    assert.equal(await one.evaluate("shared.signIn()"), "signed_in");
    assert.equal(await one.evaluate("shared.worker()"), true);
    assert.equal(await unlocked, true);
  });

  test("a tab that is opened anew is unlocked by one that stayed", async () => {
    const [one, other] = tabs;
    await other.goto(address());
    assert.equal(await other.evaluate("shared.unlockedByOthers()"), true);
    assert.equal(await one.evaluate("shared.status()"), "signed_in");
  });
});
