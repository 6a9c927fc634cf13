// A passkey's PRF: with Chromium's virtual authenticator, and with invented answers for what that cannot do.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { passkeyProtection } from "tokenward/passkey";
import { memoryStorage } from "tokenward/storage";
import { openChromium } from "../browsers/chromium.mjs";
import { startSite } from "./site.mjs";

describe("Chromium with a virtual authenticator", () => {
  let site;
  let browser;
  let page;
  let devtools;
  before(async () => {
    site = await startSite();
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    const context = await browser.newContext();
    page = await context.newPage();
    devtools = await context.newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    // An IP address can have no passkeys.
    await page.goto(`http://localhost:${site.port}/`);
  });
  afterEach(() => page.context().close());

  const ask = (method, ...args) => page.evaluate(`locks.answer("passkey", "${method}", ${JSON.stringify(args)})`);

  async function authenticator(more = {}) {
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        hasPrf: true,
        ...more,
      },
    });
    return authenticatorId;
  }

  test("what is sealed is opened after a reload with the passkey, and only then", async () => {
    await authenticator();
    assert.equal(await ask("unlock"), "ProtectionError not_set_up");
    assert.equal(await ask("setup"), "done");
    assert.equal(await ask("setup"), "ProtectionError already_set_up");
    const sealed = await ask("seal", "secret", "session");
    await page.reload();
    assert.equal(await page.evaluate('locks.locked("passkey")'), true);
    assert.equal(await ask("open", sealed, "session"), "ProtectionError locked");
    assert.equal(await ask("unlock"), "done");
    assert.equal(await ask("open", sealed, "session"), "secret");
    assert.equal(await ask("open", sealed, "marks"), "ProtectionError damaged");
    await ask("lock");
    assert.equal(await ask("open", sealed, "session"), "ProtectionError locked");
    assert.deepEqual(await ask("status"), { isSetUp: true, boundToDevice: true });
    assert.equal(await ask("forget"), "done");
    assert.equal(await ask("unlock"), "ProtectionError not_set_up");
  });

  test("an authenticator without PRF is unsupported", async () => {
    await authenticator({ hasPrf: false });
    assert.equal(await ask("setup"), "ProtectionError unsupported");
    assert.deepEqual(await ask("status"), { isSetUp: false, boundToDevice: false });
  });

  test("a person who is not verified does not open it, and loses nothing", async () => {
    const authenticatorId = await authenticator();
    assert.equal(await ask("setup"), "done");
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.reload();
    assert.equal(await ask("unlock"), "ProtectionError cancelled");
    assert.deepEqual(await ask("status"), { isSetUp: true, boundToDevice: true });
  });

  test("an authenticator that has lost the passkey does not open", async () => {
    const authenticatorId = await authenticator();
    assert.equal(await ask("setup"), "done");
    await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
    await page.reload();
    assert.equal(await ask("unlock"), "ProtectionError cancelled");
  });

  test("an rpId of another domain is a mistake of the app", async () => {
    await authenticator();
    await page.evaluate('locks.usePasskey({ rpId: "example.com" })');
    assert.equal(await ask("setup"), "ConfigError invalid_option");
  });
});

describe("invented authenticators", () => {
  class PublicKeyCredential {
    rawId = new Uint8Array([1, 2, 3]).buffer;
    constructor(prf) {
      this.prf = prf;
    }
    getClientExtensionResults() {
      return this.prf === undefined ? {} : { prf: this.prf };
    }
  }

  const secret = () => new Uint8Array(32).fill(7);

  /** Puts the credentials of a browser in place for a test. */
  function browser(t, credentials, more = {}) {
    const put = { PublicKeyCredential: Object.assign(PublicKeyCredential, more), navigator: { credentials } };
    for (const [name, value] of Object.entries({ ...put, location: { hostname: "app.example" } })) {
      const before = Object.getOwnPropertyDescriptor(globalThis, name);
      t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
      Object.defineProperty(globalThis, name, { value, configurable: true });
    }
    t.after(() => delete PublicKeyCredential.getClientCapabilities);
  }

  let databases = 0;
  const place = () => ({ storage: memoryStorage(), database: `passkey-${++databases}` });

  test("one that answers only when it is asked is asked at once, and its answer is zero afterwards", async (t) => {
    const answers = [];
    const asked = [];
    browser(t, {
      create: (options) => {
        asked.push(options);
        return Promise.resolve(new PublicKeyCredential({ enabled: true }));
      },
      get: (options) => {
        asked.push(options);
        answers.push(secret());
        return Promise.resolve(new PublicKeyCredential({ results: { first: answers.at(-1).buffer } }));
      },
    });
    const options = place();
    const passkey = passkeyProtection(options);
    await passkey.setup();
    const sealed = await passkey.seal("text");
    const reloaded = passkeyProtection(options);
    await reloaded.unlock();
    assert.equal(await reloaded.open(sealed), "text");
    assert.equal(asked.length, 3);
    assert.deepEqual(answers, [new Uint8Array(32), new Uint8Array(32)]);
    const [{ publicKey: made }, { publicKey: first }, { publicKey: second }] = asked;
    assert.equal(made.authenticatorSelection.userVerification, "required");
    assert.equal(made.rp.name, "app.example");
    assert.equal(first.userVerification, "required");
    assert.deepEqual([...first.allowCredentials[0].id], [1, 2, 3]);
    assert.deepEqual(first.extensions, second.extensions, "the same salt each time");
    assert.notDeepEqual(first.challenge, second.challenge);
  });

  test("one that answers something else does not open", async (t) => {
    let fill = 7;
    const answer = async () => new PublicKeyCredential({ results: { first: new Uint8Array(32).fill(fill) } });
    browser(t, { create: answer, get: answer });
    const options = place();
    await passkeyProtection(options).setup();
    fill = 8;
    await assert.rejects(passkeyProtection(options).unlock(), { name: "ProtectionError", code: "damaged" });
  });

  for (const [what, first] of [
    ["0 bytes", new Uint8Array(0)],
    ["1 byte", new Uint8Array([7])],
    ["31 bytes", new Uint8Array(31).fill(7)],
    ["33 bytes", new Uint8Array(33).fill(7)],
    ["64 bytes", new Uint8Array(64).fill(7).buffer],
    ["a number, of which an array of 32 zeros could be made", 32],
    ["a list of numbers", Array.from({ length: 32 }, () => 7)],
    ["a text", "7".repeat(32)],
    ["null", null],
  ]) {
    test(`one whose PRF answers with ${what} is unsupported, when it is made and when it is asked`, async (t) => {
      const unsupported = { name: "ProtectionError", code: "unsupported", message: /PRF/ };
      let answer = { results: { first } };
      const give = () => Promise.resolve(new PublicKeyCredential(answer));
      browser(t, { create: give, get: give });
      const options = place();
      await assert.rejects(passkeyProtection(options).setup(), unsupported);
      assert.equal(await options.storage.get("default.passkey"), undefined);
      answer = { results: { first: secret() } };
      await passkeyProtection(options).setup();
      answer = { results: { first } };
      const passkey = passkeyProtection(options);
      await assert.rejects(passkey.unlock(), unsupported);
      assert.equal(passkey.locked, true);
    });
  }

  test("an answer may be part of a greater buffer, or of another realm", async (t) => {
    const { runInNewContext } = await import("node:vm");
    const part = () => new Uint8Array(64).fill(7).subarray(16, 48);
    const foreign = () => runInNewContext("new Uint8Array(32).fill(7).buffer");
    let make = part;
    const give = () => Promise.resolve(new PublicKeyCredential({ results: { first: make() } }));
    browser(t, { create: give, get: give });
    const options = place();
    await passkeyProtection(options).setup();
    for (make of [foreign, secret, part]) await passkeyProtection(options).unlock();
  });

  test("one without PRF is unsupported, when it is made and when it is asked", async (t) => {
    const options = place();
    let prf;
    let asked = 0;
    const get = () => {
      asked += 1;
      return Promise.resolve(new PublicKeyCredential({}));
    };
    browser(t, { create: async () => new PublicKeyCredential(prf), get });
    for (prf of [undefined, {}, { enabled: false }, { enabled: true }]) {
      await assert.rejects(passkeyProtection(options).setup(), { code: "unsupported", message: /PRF/ });
    }
    assert.equal(asked, 1, "only one that claims to have it is asked");
    prf = { enabled: true, results: { first: secret() } };
    await passkeyProtection(options).setup();
    await assert.rejects(passkeyProtection(options).unlock(), { code: "unsupported" });
  });

  test("a browser that says beforehand that it has no PRF is not asked for a passkey", async (t) => {
    const getClientCapabilities = async () => ({ "extension:prf": false });
    browser(t, { create: () => assert.fail("asked") }, { getClientCapabilities });
    await assert.rejects(passkeyProtection(place()).setup(), { code: "unsupported" });
  });

  test("what a browser throws becomes a typed error", async (t) => {
    let name;
    browser(t, { create: () => Promise.reject(new DOMException("no", name)) });
    for (const [thrown, code] of [
      ["NotAllowedError", "cancelled"],
      ["AbortError", "cancelled"],
      ["NotSupportedError", "unsupported"],
      ["ConstraintError", "unsupported"],
      ["SecurityError", "invalid_option"],
    ]) {
      name = thrown;
      await assert.rejects(passkeyProtection(place()).setup(), (error) => {
        assert.equal(error.code, code);
        assert.equal(error.cause.name, thrown);
        return true;
      });
    }
  });

  test("a runtime without passkeys is unsupported", async () => {
    for (const method of ["setup", "unlock"]) {
      await assert.rejects(passkeyProtection(place())[method](), { code: "unsupported" });
    }
  });

  test("a record that was tampered with is damaged", async (t) => {
    const answer = async () => new PublicKeyCredential({ results: { first: secret() } });
    browser(t, { create: answer, get: answer });
    const options = place();
    await passkeyProtection(options).setup();
    const record = JSON.parse(await options.storage.get("default.passkey"));
    for (const change of [
      { version: 2 },
      { id: "other" },
      { wrapped: "1.AA.AA" },
      { salt: 1 },
      { salt: "%" },
      { salt: "A" },
      { credential: "A" },
    ]) {
      await options.storage.set("default.passkey", JSON.stringify({ ...record, ...change }));
      await assert.rejects(passkeyProtection(options).unlock(), { code: "damaged" }, JSON.stringify(change));
    }
    await options.storage.set("default.passkey", "null");
    await assert.rejects(passkeyProtection(options).unlock(), { code: "damaged" });
  });

  test("options that cannot work are refused by name", () => {
    const storage = memoryStorage();
    for (const [options, option] of [
      [{}, "storage"],
      [{ storage, pin: 1 }, "pin"],
      [{ storage, name: "" }, "name"],
      [{ storage, rpId: "" }, "rpId"],
      [{ storage, timeout: 0 }, "timeout"],
    ]) {
      assert.throws(() => passkeyProtection(options), { name: "ConfigError", option });
    }
  });
});
