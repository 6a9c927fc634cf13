// What is beside the one token: several of them, a proof of possession, a test to copy and a link to a description.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, it } from "node:test";
import axe from "axe-core";
import { createTestIssuer } from "tokenward/testing";
import { openChromium } from "../browsers/chromium.mjs";
import { pageOf, picture } from "./look.mjs";
import { startTestPlayground } from "./site.mjs";

const samples = JSON.parse(readFileSync(new URL("../../www/samples/samples.json", import.meta.url), "utf8"));
const tokenOf = (id) => samples.find((sample) => sample.id === id).token;

describe("the playground, beside one token", () => {
  let playground;
  let chromium;
  let context;
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
  beforeEach(async () => {
    context = await chromium.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
      reducedMotion: "reduce",
    });
    ({ page, look } = await pageOf(context));
    await page.goto(playground.url);
  });

  const open = (id) =>
    page.$eval(`#${id}`, (panel) => {
      panel.open = true;
    });
  const rows = () =>
    page.$$eval("#several-rows tr", (all) => all.map((row) => row.innerText.replace(/\s+/g, " ").trim()));
  const failedProof = () =>
    page.evaluate(() => {
      const line = document.querySelector("#proof-checks .failed");
      return line
        ? [line.querySelector(".check-name").lastChild.textContent, line.querySelector(".code-chip").textContent]
        : [];
    });
  const proofSays = (text) =>
    page.waitForFunction((wanted) => document.querySelector("#proof-verdict").textContent.includes(wanted), text);
  const codeSays = (text) =>
    page.waitForFunction((wanted) => document.querySelector("#test-code").textContent.includes(wanted), text);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

  describe("several tokens", () => {
    const paste = async (text) => {
      const { jwks } = samples.find(({ id }) => id === "es256");
      await page.fill("#jwks", JSON.stringify(jwks));
      await page.fill("#token", text);
    };

    it("are judged one by one, and one is shown in full", async () => {
      await paste(["es256", "altered", "none"].map(tokenOf).join("\n"));
      assert.deepEqual(
        (await rows()).map((row) => row.replace(/ …\S{0,6}/, "")),
        [
          "Token 1 ES256 Genuine, but expired expired",
          "Token 2 ES256 Not genuine bad_signature",
          "Token 3 none Refused unsupported_algorithm",
        ],
      );
      assert.equal(await look.text("#several-count"), "0 of 3 hold");
      assert.equal(await look.text("#verdict-title"), "Genuine, but expired");
      await page.click("#several-rows button >> nth=1");
      assert.equal(await look.text("#verdict-title"), "Not genuine");
      assert.equal(await page.getAttribute("#several-rows tr:nth-child(2) button", "aria-current"), "true");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Token 2");
      assert.equal((await page.inputValue("#token")).split("\n").length, 3, "the field keeps them all");
      const [ink, field] = await page.$$eval(".paper > *", (layers) => layers.map(({ scrollHeight }) => scrollHeight));
      assert.equal(field, ink);
      await page.reload();
      assert.equal((await rows()).length, 3, "as the tab keeps them");
      assert.deepEqual(look.complaints, []);
    });

    it("say nothing of what an unverified one claims", async () => {
      await paste(["altered", "none"].map(tokenOf).join("\n"));
      assert.doesNotMatch(await look.text("#several"), /administrator|engineer|ada\b/);
    });

    it("are at most 50, and a token broken into lines is one", async () => {
      await paste(Array(53).fill(tokenOf("es256")).join("\r\n"));
      assert.equal((await rows()).length, 50);
      assert.equal(await look.text("#several-note"), "Only the first 50: 3 more are left out.");
      await paste(
        tokenOf("es256")
          .replaceAll(/([^.]{60})/g, "$1\n")
          .replaceAll(".", ".\n")
          .replaceAll(".\n", "."),
      );
      await page.selectOption("#sample", "es256");
      assert.equal(await page.isVisible("#several"), false);
      await page.fill("#token", `${tokenOf("es256").slice(0, -20)}\n${tokenOf("es256").slice(-20)}`);
      assert.equal(await page.isVisible("#several"), false);
    });
  });

  describe("a proof of possession", () => {
    beforeEach(async () => {
      await open("proof-panel");
      await page.click("#proof-example");
      await proofSays("lets the request through");
    });

    it("is judged by a gate, with each check", async () => {
      assert.equal(await look.kind(), "verified");
      const states = await page.$$eval("#proof-checks .check", (lines) => lines.map((line) => line.className));
      assert.deepEqual([states.length, ...new Set(states)], [14, "check passed"]);
      assert.match(await look.text("#verdict-foot"), /^Made in this page, for trying: no issuer has signed it\./);
      assert.deepEqual(look.complaints, []);
    });

    it("fails at the check that is wrong, and says what the gate answers", async () => {
      for (const [field, value, name, code, answer] of [
        ["method", "POST", "Method", "htm_mismatch", /401, WWW-Authenticate: DPoP error="invalid_dpop_proof"/],
        ["url", "https://api.example/others", "Address", "htu_mismatch", /401/],
        ["url", "https://other.example/notes", "Address", "htu_mismatch", /401/],
        ["nonce", "n-1", "Nonce", "missing_nonce", /use_dpop_nonce/],
        ["proof", "", "One proof", "missing_proof", /invalid_dpop_proof/],
        ["proof", "abc", "Key in it", "malformed", /invalid_dpop_proof/],
        ["url", "https://api.example/a%2fb", "URL", "ambiguous_path", /^Answer: 400/],
      ]) {
        const before = await page.inputValue(`#proof-${field}`);
        await page.fill(`#proof-${field}`, value);
        await proofSays(code);
        assert.deepEqual(await failedProof(), [name, code]);
        assert.match(await look.text("#proof-answer"), answer);
        await page.fill(`#proof-${field}`, before);
        await proofSays("lets the request through");
      }
      await page.selectOption("#proof-scheme", "Bearer");
      await proofSays("proof_needed");
      assert.deepEqual(await failedProof(), ["Token is bound", "proof_needed"]);
      assert.match(await look.text("#proof-answer"), /invalid_token/);
    });

    it("ages with the moment that is shown, and goes with its token", async () => {
      await page.click("#real-now");
      await proofSays("lets the request through");
      const slider = page.getByRole("slider", { name: /^Now/ });
      await slider.focus();
      await page.keyboard.press("PageUp");
      await proofSays("too_old");
      assert.deepEqual(await failedProof(), ["Fresh", "too_old"]);
      await page.fill("#token", tokenOf("es256"));
      await proofSays("key_not_found");
      assert.deepEqual(await failedProof(), ["Access token", "key_not_found"]);
    });

    it("of another key or another token is not this token's", async () => {
      const mine = await page.inputValue("#proof-proof");
      const token = await page.inputValue("#token");
      const keys = await page.inputValue("#jwks");
      await page.click("#proof-example");
      await page.waitForFunction((old) => document.querySelector("#proof-proof").value !== old, mine);
      await page.fill("#proof-proof", mine);
      await proofSays("key_mismatch");
      assert.deepEqual(await failedProof(), ["Key is the token's", "key_mismatch"]);
      await page.fill("#jwks", keys);
      await page.fill("#token", token);
      await proofSays("lets the request through");
      const [header, , signature] = mine.split(".");
      await page.fill(
        "#proof-proof",
        `${header}.${Buffer.from('{"htm":"DELETE"}').toString("base64url")}.${signature}`,
      );
      await proofSays("bad_signature");
      assert.doesNotMatch(
        await look.text("#proof-checks"),
        /DELETE/,
        "nothing of it is shown before its signature held",
      );
    });

    it("says what is missing", async () => {
      await page.fill("#proof-url", "api.example");
      await proofSays("whole address");
      await page.fill("#proof-url", "ftp://api.example/");
      await proofSays("http or https origin");
      await page.fill("#proof-method", "G T");
      await proofSays("The method is");
      await page.fill("#jwks", "");
      await proofSays("judged first");
      await page.click("#forget");
      assert.equal(await page.isVisible("#proof"), false);
    });
  });

  describe("what is taken along", () => {
    it("is a test that holds no token, until somebody says so", async () => {
      await page.selectOption("#sample", "expired");
      await open("share-panel");
      await codeSays('"expired"');
      const token = tokenOf("expired");
      await page.click("#copy-test");
      await page.waitForFunction(() => document.querySelector("#share-status").textContent === "The test is copied.");
      const copied = await clipboard();
      assert.equal(copied, await page.textContent("#test-code"));
      assert.match(copied, /createTestIssuer\(\{ algorithms: \["ES256"\], now: 177\d+ \}\)/);
      assert.doesNotMatch(copied, /eyJ/);
      assert.doesNotMatch(await page.inputValue("#link"), new RegExp(token.split(".")[1]));
      await page.selectOption("#test-runner", "vitest");
      await codeSays("expect(result.error.code)");
      await page.check("#own-token");
      await codeSays(token);
      assert.match(await look.text("#share-note"), /holds the token itself/);
      await page.selectOption("#sample", "altered");
      await codeSays(tokenOf("altered"));
      assert.deepEqual(look.complaints, []);
    });

    it("is a link, which makes a token anew that is judged alike", async () => {
      for (const id of ["es256", "expired", "altered", "confusion", "not-allowed", "duplicate", "forever"]) {
        await page.selectOption("#sample", id);
        await open("share-panel");
        await page.waitForFunction(
          (code) => document.querySelector("#test-code").textContent.includes(code),
          samples.find((sample) => sample.id === id).expect.code ?? "accepts the token",
        );
        const link = await page.inputValue("#link");
        assert.ok(link.startsWith(`${playground.url}#describes=`), id);
        const other = await pageOf(await chromium.newContext());
        const asked = [];
        other.page.on("request", (request) => asked.push(request.url()));
        await other.page.goto(link);
        await other.page.waitForFunction(() =>
          /^This link describes a token\./.test(document.querySelector("#notice").textContent),
        );
        const words = await other.look.text("#verdict-title");
        assert.equal(words, await look.text("#verdict-title"), id);
        assert.notEqual(await other.page.inputValue("#token"), tokenOf(id));
        assert.equal(other.page.url(), playground.url, "nothing stays in the address");
        assert.ok(
          asked.every((url) => !url.includes("describes")),
          "no server sees it",
        );
        assert.match(await other.look.text("#verdict-foot"), /^Made in this page/);
        assert.match(await other.look.text("#sample-about"), /Nobody has issued it/);
        assert.equal(
          await other.page.inputValue("#fetch-issuer"),
          "",
          "whose keys to fetch is not suggested by a link",
        );
        assert.deepEqual(other.look.complaints, []);
        await other.page.context().close();
      }
    });

    it("says why it is no link, and what else there is", async () => {
      for (const [id, message] of [
        ["weak-key", /key_unusable.*The test can hold the token itself/],
        ["critical", /test/],
      ]) {
        await page.selectOption("#sample", id);
        await open("share-panel");
        await page.waitForFunction(() => document.querySelector("#share-note").textContent !== "");
        await page.waitForFunction(
          (text) => new RegExp(text).test(document.querySelector("#share-note").textContent),
          message.source,
        );
      }
      await page.click("#forget");
      await page.waitForFunction(() => /no verdict yet/.test(document.querySelector("#share-note").textContent));
      assert.equal(await page.isDisabled("#copy-test"), true);
    });
  });

  describe("a link from somebody", () => {
    it("never makes a token that seems an issuer's: not after a change, beside another, or loaded again", async () => {
      const claims = {
        iss: "https://accounts.example",
        aud: "app",
        sub: "ada",
        iat: 1_800_000_000,
        exp: 1_900_000_000,
      };
      const options = { issuer: claims.iss, audience: claims.aud };
      const described = { v: 1, algorithm: "ES256", header: {}, claims, options, now: claims.iat };
      await page.goto(`${playground.url}#describes=${Buffer.from(JSON.stringify(described)).toString("base64url")}`);
      await page.waitForFunction(() => document.querySelector("#notice").textContent.startsWith("This link describes"));
      const token = await page.inputValue("#token");
      const isSaid = async (what) => {
        assert.equal(await look.kind(), "verified", what);
        assert.match(await look.text("#verdict-foot"), /^Made in this page.*no issuer has signed it/, what);
      };
      await isSaid("as it came");
      await open("rules-panel");
      await page.fill("#rules [name=clockTolerance]", "7");
      await isSaid("with another rule");
      assert.equal(await page.inputValue("#fetch-issuer"), "");
      await page.reload();
      await isSaid("loaded again");
      await page.fill("#token", `${token}\n${token}`);
      await isSaid("beside another");
      await open("keys-panel");
      await page.fill("#jwks", JSON.stringify(JSON.parse(await page.inputValue("#jwks"))));
      await isSaid("with its keys written otherwise");
      await page.fill("#token", tokenOf("es256"));
      assert.doesNotMatch(await look.text("#verdict-foot"), /Made in this page/, "another token");
      assert.deepEqual(look.complaints, []);
    });

    it("that is not a description changes nothing but the notice", async () => {
      const token = await page.inputValue("#token");
      const issuer = await createTestIssuer();
      for (const [fragment, code] of [
        ["describes=", "not_json"],
        ["describes=%3Cscript%3E", "not_json"],
        [`describes=${await issuer.token()}`, "not_json"],
        [`describes=${Buffer.from('{"v":1}').toString("base64url")}`, "invalid"],
        [`describes=${"A".repeat(9000)}`, "too_long"],
      ]) {
        await page.evaluate((hash) => {
          document.querySelector("#notice").replaceChildren();
          location.hash = hash;
        }, fragment);
        await page.waitForFunction(
          (expected) => document.querySelector("#notice").textContent.includes(`(${expected})`),
          code,
        );
        assert.equal(await page.inputValue("#token"), token);
        assert.equal(page.url(), playground.url);
      }
      assert.deepEqual(look.complaints, []);
    });
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [device, width] of Object.entries({ phone: 390, desktop: 1280 })) {
      it(`is accessible in ${colorScheme} on a ${device}`, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        for (const id of ["keys-panel", "proof-panel", "share-panel"]) await open(id);
        await page.click("#proof-example");
        await proofSays("lets the request through");
        await page.fill("#proof-method", "POST");
        await proofSays("htm_mismatch");
        await codeSays("createTestIssuer");
        const mine = await page.inputValue("#token");
        await page.fill("#token", [mine, tokenOf("es256"), tokenOf("none")].join("\n"));
        await page.waitForSelector("#several:not([hidden])");
        assert.deepEqual(await violations(page), []);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
        await picture(page, `beside-${device}-${colorScheme}`, { fullPage: true });
      });
    }
  }
});

async function violations(page) {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
