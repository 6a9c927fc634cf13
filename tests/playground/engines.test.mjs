// The playground in Firefox and WebKitGTK: every sample, a sign-in, and the same token with the network cut.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { openFirefox, openWebKit, until } from "../browsers/engines.mjs";
import { startTestPlayground } from "./site.mjs";

const samples = JSON.parse(readFileSync(new URL("../../www/samples/samples.json", import.meta.url), "utf8"));
const ENGINES = { Firefox: openFirefox, WebKitGTK: openWebKit };

const text = (selector) => `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`;
const click = (selector) => `document.querySelector(${JSON.stringify(selector)}).click()`;
const KIND = "document.querySelector('#verdict').dataset.kind";

for (const [name, open] of Object.entries(ENGINES)) {
  describe(`the playground in ${name}`, () => {
    let playground;
    let page;
    before(async () => {
      playground = await startTestPlayground();
      page = await open();
    });
    after(async () => {
      await page?.close();
      await playground?.close();
    });

    it("gives every sample the answer it is a sample of", async () => {
      await page.open(playground.url);
      await until(page, KIND, "verified");
      // Not the one whose arithmetic is loaded first, by which the answer waits.
      for (const { id, expect } of samples.filter((sample) => !sample.id.startsWith("ml-dsa"))) {
        const found = await page.ask(`(() => {
          const select = document.querySelector("#sample");
          select.value = ${JSON.stringify(id)};
          select.dispatchEvent(new Event("change"));
          return { kind: ${KIND}, code: document.querySelector("#verdict .code-chip")?.textContent ?? "none" };
        })()`);
        assert.equal(found.code, expect.code ?? "none", id);
        assert.equal(found.kind === "verified", expect.ok === true, id);
      }
    });

    it("loads ML-DSA for the sample that needs it", async () => {
      await page.ask(`(() => {
        const select = document.querySelector("#sample");
        select.value = "ml-dsa-65";
        select.dispatchEvent(new Event("change"));
      })()`);
      await until(page, KIND, "verified");
    });

    it("lays the coloured token exactly under the field", async () => {
      const heights = await page.ask(`(() => {
        const [ink, field] = document.querySelectorAll(".paper > *");
        const select = document.querySelector("#sample");
        select.value = "rs512";
        select.dispatchEvent(new Event("change"));
        return { ink: ink.scrollHeight, shown: ink.clientHeight, field: field.scrollHeight };
      })()`);
      assert.deepEqual(heights, { ink: heights.ink, shown: heights.ink, field: heights.ink });
    });

    it("moves now past exp", async () => {
      const title = await page.ask(`(() => {
        const slider = document.querySelector("#now");
        const select = document.querySelector("#sample");
        select.value = "es256";
        select.dispatchEvent(new Event("change"));
        slider.dispatchEvent(new KeyboardEvent("keydown", { key: "End", cancelable: true }));
        return ${text("#verdict-title")};
      })()`);
      assert.equal(title, "Genuine, but expired");
    });

    it("signs in, and verifies on without a network", async () => {
      await page.ask(click("#sign-in"));
      await until(page, text("h1"), "Sign in");
      await page.ask(click("button[value=sign-in]"));
      await until(page, text("#notice"), /^Signed in\./);
      assert.equal(await page.ask(KIND), "verified");
      await page.ask("navigator.serviceWorker.ready.then(() => true)");
      await playground.close();
      await page.reload();
      await until(page, KIND, "verified");
      assert.match(await page.ask(text("#content-body")), /Ada Lovelace/);
    });
  });
}
