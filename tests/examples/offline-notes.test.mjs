// examples/offline-notes as its user has it: the packed package installed, the app checked, built and started by one command,
// and used in Chromium on a phone's screen: signed in at the provider, with and without its servers, signed out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { npm } from "../packaging/packed.mjs";
import { picture } from "../playground/look.mjs";
import { notesApp } from "./notes.mjs";

describe("examples/offline-notes", () => {
  let app;
  let page;
  let sample;
  before(async () => {
    app = await notesApp("offline-notes");
    ({ page, sample } = app);
  });
  after(() => app?.close());

  const open = (path) => app.open(path);
  const says = (selector, pattern) => app.says(selector, pattern);

  test("its types hold in pages and worker, with those of the packages", async () => {
    await npm(app.path, "run", "check");
  });

  test("pages and worker are built in one go, minified, with the issuer's keys of now", async () => {
    const { keys } = await (await fetch(`${sample.issuer}/jwks`)).json();
    const worker = readFileSync(join(app.path, "dist/sw.js"), "utf8");
    assert.ok(worker.includes(keys[0].x));
    assert.ok(worker.split("\n").length < 10, "minified");
  });

  test("who is not signed in is offered to sign in, and sees no notes", async () => {
    await open("/");
    await says("#status", /^You are not signed in\.$/);
    assert.equal(await page.isVisible("#sign-in"), true);
    assert.equal(await page.isVisible("#sign-out"), false);
    await page.evaluate(() => navigator.serviceWorker.ready);
    assert.deepEqual(await app.faults(), []);
    await picture(page, "offline-notes-signed-out");
    await open("/app/notes.html");
    assert.equal(await page.title(), "Notes", "the page with the button, in place of the notes");
    assert.equal((await fetch(`${sample.url}/api/notes`)).status, 401);
  });

  test("on plain http, where browsers keep no keys and no worker, the page says that signing in needs https", async () => {
    const plain = await app.browser.newPage();
    const broken = [];
    plain.on("pageerror", (error) => broken.push(error.message));
    await plain.goto(sample.url.replace("127.0.0.1", "notes.example"));
    assert.equal(await plain.evaluate(() => isSecureContext), false);
    await plain.click("#sign-in");
    await plain.waitForFunction(() => /^Signing in needs https/.test(document.querySelector("#message").textContent));
    assert.deepEqual(broken, []);
    await plain.close();
  });

  test("who signs out on the first page leaves no draft either", async () => {
    await open("/");
    await app.signIn("ben");
    await page.waitForURL(`${sample.url}/app/notes.html`);
    await says("#status", /^You can read and write until /);
    await page.fill("#text", "A secret draft");
    assert.deepEqual(await page.evaluate(() => Object.values(localStorage)), ["A secret draft"]);
    await open("/");
    await page.click("#sign-out");
    await says("#status", /^You are not signed in\.$/);
    await page.waitForFunction(() => localStorage.length === 0);
    await page.context().clearCookies(); // the provider's own session
  });

  test("somebody signs in at the provider and writes a note", async () => {
    await app.signIn("ada");
    await page.waitForURL(`${sample.url}/app/notes.html`);
    await says("#status", /^You can read and write until /);
    await says("#empty", /^No notes yet\.$/);
    await page.fill("#text", "Fuse box: second floor, left");
    await page.click("#form button");
    await says("#notes", /Fuse box/);
    assert.equal(await page.inputValue("#text"), "");
    await page.fill("#text", "Still a draft");
    await picture(page, "offline-notes");
  });

  test("without servers a reload opens the page, its notes and the draft, and says until when they can be read", async () => {
    await sample.close();
    await page.reload();
    await says("#notes", /Fuse box/);
    assert.equal(await page.inputValue("#text"), "Still a draft");
    await says("#status", /^You can read until \d.* Connect to write again\.$/);
    await page.click("#form button");
    await says("#message", /^Not now: connect to write/);
    assert.deepEqual(await app.notes(), ["Fuse box: second floor, left"]);
    assert.deepEqual(await app.faults(), []);
    await picture(page, "offline-notes-offline");
    await page.reload();
    await says("#notes", /Fuse box/);
    await open("/");
    await says("#status", /^You can read until \d/);
  });

  test("signing out without servers leaves nothing of that person", async () => {
    assert.equal((await app.userCaches()).length, 1);
    await open("/app/notes.html");
    await says("#notes", /Fuse box/);
    await page.click("#sign-out");
    await page.waitForURL(`${sample.url}/`);
    await says("#status", /^You are not signed in\.$/);
    assert.deepEqual(await app.userCaches(), []);
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
    const response = await open("/app/notes.html");
    assert.equal(response.status(), 401);
    assert.equal(await page.title(), "Notes");
    assert.equal(await page.locator("#notes").count(), 0);
  });

  test("what does not work without a network is said in words", async () => {
    await open("/");
    await says("#status", /^You are not signed in\.$/);
    await page.click("#sign-in");
    await says(
      "#message",
      /^127\.0\.0\.1:\d+ .*cannot be reached, or it does not allow http:\/\/127\.0\.0\.1:\d+ \(CORS\)\.$/,
    );
  });

  test("nothing went wrong but what has to without servers", () => {
    const expected = /net::ERR_CONNECTION_REFUSED|status of 401/;
    assert.deepEqual(
      app.complaints.filter((text) => !expected.test(text)),
      [],
    );
  });
});
