// The conformance suite in three browsers: in a page, a dedicated worker and a service worker, and in a page on plain http.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";
import { startSite } from "./site.mjs";

// A minute on an idle machine of two cores is a few seconds; a loaded one takes its time.
const MINUTES = 5;

// WebKitGTK has no relaxed SIMD, so the main module's own RSA kernel is at work there.
const INSTANCES = { WebKitGTK: 1 };

const BROWSERS = { Chromium: openChromiumPage, Firefox: openFirefox, WebKitGTK: openWebKit };
let site;

before(async () => {
  site = await startSite();
});
after(() => site.close());

for (const [name, open] of Object.entries(BROWSERS)) {
  test(name, async (t) => {
    const page = await open();
    t.after(() => page.close());
    await page.open(`http://127.0.0.1:${site.port}/`);
    for (const place of ["page", "worker", "service worker"]) {
      await t.test(place, () => passes(page, name, place));
    }
  });
}

test("Chromium on plain http, where there is no WebCrypto", async (t) => {
  const page = await openChromiumPage(["--host-resolver-rules=MAP plain.test 127.0.0.1"]);
  t.after(() => page.close());
  await page.open(`http://plain.test:${site.port}/`);
  assert.equal(await page.ask("isSecureContext"), false);
  const { subtle } = await passes(page, "Chromium on plain http", "page");
  assert.equal(subtle, "undefined");
});

async function passes(page, browser, place) {
  await page.ask(`conformance.start(${JSON.stringify(place)})`);
  const result = JSON.parse(await ended(page, place));
  assert.deepEqual(result.failures, []);
  assert.ok(result.passed > 0);
  assert.equal(result.instances, INSTANCES[browser] ?? 2, "WebAssembly instances");
  assert.deepEqual(result.mlDsa.failures, []);
  assert.ok(result.mlDsa.passed > 0);
  const { wrong, overflows } = result.overflowed;
  assert.deepEqual(wrong, []);
  assert.ok(overflows > 50, `${overflows} stack overflows`);
  console.log(
    `${browser}, ${place} (${result.where}): ${result.passed} answers as they should be, ${result.mlDsa.passed} of ML-DSA, ${overflows} stack overflows`,
  );
  return result;
}

async function ended(page, place) {
  const end = Date.now() + MINUTES * 60_000;
  while (Date.now() < end) {
    const result = await page.ask(`conformance.results[${JSON.stringify(place)}] ?? ""`);
    if (result) return result;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`no answer from the ${place} within ${MINUTES} minutes`);
}
