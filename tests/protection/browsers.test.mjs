// Keys at rest in real browsers: across reloads, tabs, workers, and where a context lacks what they need.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openChromium } from "../browsers/chromium.mjs";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";
import { startSite } from "./site.mjs";

const PIN = "246810";

let site;
before(async () => {
  site = await startSite();
});
after(() => site.close());

for (const [name, open] of Object.entries({
  Chromium: openChromiumPage,
  Firefox: openFirefox,
  WebKitGTK: openWebKit,
})) {
  describe(name, () => {
    let page;
    before(async () => {
      page = await open();
      await page.open(`http://127.0.0.1:${site.port}/`);
    });
    after(() => page?.close());

    test("the device's key opens after a reload and in a worker, and cannot be exported", async () => {
      const sealed = await answer(page, "device", "seal", "secret", "session");
      assert.match(sealed, /^1\./);
      await page.open(`http://127.0.0.1:${site.port}/`);
      assert.equal(await answer(page, "device", "open", sealed, "session"), "secret");
      const call = JSON.stringify(["device", "open", [sealed, "session"]]);
      assert.equal(await page.ask(`locks.inWorker(${call})`), "secret");
      assert.equal(await page.ask("locks.keyKept()"), "false InvalidAccessError");
    });

    test("a PIN locks across reloads, and so does waiting after wrong ones", async () => {
      assert.equal(await answer(page, "pin", "setup", PIN), "done");
      const sealed = await answer(page, "pin", "seal", "secret", "session");
      await page.open(`http://127.0.0.1:${site.port}/`);
      assert.equal(await page.ask('locks.locked("pin")'), true);
      assert.equal(await answer(page, "pin", "open", sealed, "session"), "ProtectionError locked");
      for (const wait of [0, 0, 30]) {
        assert.equal(await answer(page, "pin", "unlock", "000000"), `ProtectionError wrong_secret ${wait}`);
        await page.open(`http://127.0.0.1:${site.port}/`);
      }
      assert.match(await answer(page, "pin", "unlock", PIN), /^ProtectionError try_later (?:[12]\d|30)$/);
      await page.ask("locks.wait(30)");
      assert.equal(await answer(page, "pin", "unlock", PIN), "done");
      assert.equal(await answer(page, "pin", "open", sealed, "session"), "secret");
      const call = JSON.stringify(["pin", "open", [sealed, "session"]]);
      assert.equal(await page.ask(`locks.inWorker(${call})`), "ProtectionError locked");
      assert.equal(await page.ask(`locks.inWorker(${call}, "pin")`), "secret", "shared with a worker");
      const { boundToDevice } = await answer(page, "pin", "status");
      assert.equal(boundToDevice, true);
    });

    test("a PIN unlocks in a worker", async () => {
      const call = JSON.stringify(["pin", "unlock", [PIN]]);
      assert.equal(await page.ask(`locks.inWorker(${call})`), "done");
    });
  });
}

describe("tabs of Chromium", () => {
  let browser;
  let tabs;
  before(async () => {
    browser = await openChromium();
    const context = await browser.newContext();
    tabs = await Promise.all(Array.from({ length: 4 }, () => context.newPage()));
    for (const tab of tabs) await tab.goto(`http://127.0.0.1:${site.port}/`);
  });
  after(() => browser?.close());

  test("that make the device's key at the same moment end with the same one", async () => {
    for (let round = 0; round < 10; round += 1) {
      const database = JSON.stringify(`race-${round}`);
      const at = Date.now() + 100;
      const sealed = await Promise.all(tabs.map((tab) => tab.evaluate(`locks.seal(${database}, ${at})`)));
      for (const tab of tabs) {
        for (const text of sealed) {
          assert.equal(await tab.evaluate(`locks.open(${database}, ${JSON.stringify(text)})`), "text");
        }
      }
    }
  });

  test("that guess at the same moment get no more attempts than one", async () => {
    assert.equal(await tabs[0].evaluate(`locks.answer("pin", "setup", ["${PIN}"])`), "done");
    const guess = (index) => tabs[index].evaluate(`locks.answer("pin", "unlock", ["00000${index}"])`);
    const answers = (await Promise.all([0, 1, 2, 3].map(guess))).sort();
    assert.match(answers.shift(), /^ProtectionError try_later (?:29|30)$/);
    assert.deepEqual(answers, [0, 0, 30].map((wait) => `ProtectionError wrong_secret ${wait}`).sort());
    await tabs[0].evaluate("locks.wait(30)");
    assert.equal(await tabs[0].evaluate(`locks.answer("pin", "unlock", ["${PIN}"])`), "done");
  });

  test("that are closed while a PIN is judged take no attempt back, and hold up nobody", async () => {
    const [first, other] = tabs;
    assert.equal(await first.evaluate('locks.answer("pin", "forget", [])'), "done");
    await first.evaluate("locks.slow()");
    assert.equal(await first.evaluate(`locks.answer("pin", "setup", ["${PIN}"])`), "done");
    // The right one: had it been judged, the count would be gone.
    await first.evaluate(`void locks.answer("pin", "unlock", ["${PIN}"])`);
    const counted = 'locks.kept("default.pin-attempts").then((text) => /"failed":1/.test(text))';
    await other.waitForFunction(counted, null, { polling: 5 });
    await first.close();
    const { failed } = await other.evaluate('locks.answer("pin", "status", [])');
    assert.equal(failed, 1);
    assert.equal(await other.evaluate(`locks.answer("pin", "unlock", ["${PIN}"])`), "done");
  });
});

test("on plain http, where there is no WebCrypto, everything is unsupported", async () => {
  const page = await openChromiumPage(["--host-resolver-rules=MAP plain.test 127.0.0.1"]);
  try {
    await page.open(`http://plain.test:${site.port}/`);
    assert.equal(await page.ask("isSecureContext"), false);
    for (const [kind, method] of [
      ["device", "seal"],
      ["pin", "setup"],
      ["pin", "unlock"],
      ["passkey", "setup"],
      ["passkey", "unlock"],
    ]) {
      assert.equal(await answer(page, kind, method, PIN), "ProtectionError unsupported", `${kind} ${method}`);
    }
    assert.equal(await answer(page, "device", "forget"), "done");
  } finally {
    await page.close();
  }
});

test("where the page's policy forbids WebAssembly, a PIN is unsupported and the device's key is not", async () => {
  const page = await openChromiumPage();
  try {
    await page.open(`http://127.0.0.1:${site.port}/no-wasm`);
    assert.equal(await answer(page, "pin", "setup", PIN), "ProtectionError unsupported");
    assert.match(await answer(page, "device", "seal", "secret"), /^1\./);
  } finally {
    await page.close();
  }
});

function answer(page, kind, method, ...args) {
  return page.ask(`locks.answer(${JSON.stringify(kind)}, ${JSON.stringify(method)}, ${JSON.stringify(args)})`);
}
