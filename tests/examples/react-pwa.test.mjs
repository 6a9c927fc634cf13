// examples/react-pwa as its user has it: installed, checked, built and started by one command, and used in Chromium.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { npm } from "../packaging/packed.mjs";
import { picture } from "../playground/look.mjs";
import { root } from "./example.mjs";
import { notesApp } from "./notes.mjs";

test("what examples/react-pwa has of examples/offline-notes is the same there", () => {
  const read = (example, file) => readFileSync(join(root, "examples", example, file), "utf8");
  const servers = readdirSync(join(root, "examples/react-pwa/server")).map((name) => `server/${name}`);
  const sources = ["auth.ts", "sign-in.ts", "words.ts", "env.d.ts", "style.css"].map((name) => `src/${name}`);
  assert.equal(servers.length, 3);
  for (const file of [...servers, ...sources, ".env", ".npmrc", "tsconfig.worker.json"]) {
    assert.equal(read("react-pwa", file), read("offline-notes", file), file);
  }
});

describe("examples/react-pwa", () => {
  let app;
  let page;
  before(async () => {
    app = await notesApp("react-pwa");
    ({ page } = app);
  });
  after(() => app?.close());

  test("its types hold in pages and worker", async () => {
    await npm(app.path, "run", "check");
  });

  test("it can be installed, and its worker has the app's files and the issuer's keys", async () => {
    const manifest = await (await fetch(`${app.sample.url}/manifest.webmanifest`)).json();
    assert.equal(manifest.display, "standalone");
    const worker = await (await fetch(`${app.sample.url}/sw.js`)).text();
    const { keys } = await (await fetch(`${app.sample.issuer}/jwks`)).json();
    assert.ok(worker.includes(keys[0].x));
    for (const name of readdirSync(join(app.path, "dist/assets"))) assert.ok(worker.includes(`assets/${name}`), name);
  });

  test("somebody signs in and writes a note", async () => {
    await app.open("/");
    await app.says("#status", /^You are not signed in\.$/);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await app.signIn("ada");
    await app.says("#status", /^You can read and write until /);
    await page.fill("#text", "Fuse box: second floor, left");
    await page.click("#save");
    await app.says("#notes", /Fuse box/);
    await picture(page, "react-pwa");
  });

  test("without servers a reload shows the notes; the hook takes writing away when its time is over", async () => {
    await app.sample.close();
    await page.reload();
    await app.says("#notes", /Fuse box/);
    await app.says("#status", /^You can read until \d.* Connect to write again\.$/);
    assert.equal(await page.isDisabled("#save"), true);
    assert.deepEqual(await app.notes(), ["Fuse box: second floor, left"]);
    assert.deepEqual(await app.faults(), []);
    await picture(page, "react-pwa-offline");
  });

  test("signing out without servers takes the notes from the screen and from the device", async () => {
    assert.equal((await app.userCaches()).length, 1);
    await page.click("#sign-out");
    await app.says("#status", /^You are not signed in\.$/);
    assert.equal(await page.locator("#notes").count(), 0);
    assert.deepEqual(await app.userCaches(), []);
    await page.reload();
    await app.says("#status", /^You are not signed in\.$/);
    assert.equal(await page.evaluate(() => fetch("/api/notes").then(({ status }) => status)), 401);
  });

  test("nothing went wrong but what has to without servers", () => {
    const expected = /net::ERR_CONNECTION_REFUSED|status of 401/;
    assert.deepEqual(
      app.complaints.filter((text) => !expected.test(text)),
      [],
    );
  });
});
