// The gate where it belongs: in a real service worker, with a real session, in three browsers, and the server stopped.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { openChromiumPage, openFirefox, openWebKit, until } from "../browsers/engines.mjs";
import { startSite } from "./site.mjs";

const BROWSERS = { Chromium: openKillable, Firefox: openFirefox, WebKitGTK: openWebKit };

for (const [name, open] of Object.entries(BROWSERS)) {
  describe(`a gate in ${name}`, () => {
    let site;
    let page;
    let online;

    const app = (call) => page.ask(`app.${call}`);
    const text = () => page.ask("document.body.textContent.trim()");
    const visit = async (path) => {
      await page.open(site.url + path);
      return text();
    };
    const goOffline = async () => {
      online = false;
      await site.stop();
    };
    const cached = async () => (await app("cached()")).join("\n");

    before(async () => {
      site = await startSite();
      online = true;
      page = await open();
      await page.open(`${site.url}/`);
      // What the HTTP cache has of the time before there was a gate.
      await app("signIn('ada')");
      await app("ask('/api/before')");
      await app("signOut()");
      await app("ask('/token?user=nobody')");
      assert.equal(await app("guard()"), "guarded");
    });
    beforeEach(async () => {
      if (!online) await site.start();
      online = true;
      await page.open(`${site.url}/`);
      await until(page, "app.guard()", "guarded");
      await app("signOut()");
    });
    after(async () => {
      await page?.close();
      if (online) await site?.stop();
    });

    it("shows the page that says so to nobody, and lets others through", async () => {
      assert.equal(await visit("/app/notes"), "Sign in, please");
      assert.equal(await visit("/open"), "/open of nobody");
      const { status, body, cacheControl } = await app("ask('/api/me')");
      assert.deepEqual([status, JSON.parse(body).reason, cacheControl], [401, "signed_out", "no-store"]);
    });

    it("shows a person's pages, online and then without a server", async () => {
      await app("signIn('ada')");
      assert.equal(await visit("/app/notes"), "/app/notes of ada");
      assert.equal(JSON.parse((await app("ask('/api/me')")).body).who, "ada");
      await until(page, "app.cached().then((all) => all.length)", 2);
      await goOffline();
      assert.equal(await visit("/app/notes"), "/app/notes of ada");
      assert.equal(JSON.parse((await app("ask('/api/me')")).body).who, "ada");
      assert.equal((await app("ask('/api/other')")).status, 0);
    });

    it("shows nothing to nobody, without a server either", async () => {
      await app("signIn('ada')");
      await visit("/app/notes");
      await until(page, "app.cached().then((all) => all.length)", 1);
      await app("signOut()");
      await goOffline();
      assert.equal(await visit("/app/notes"), "Sign in, please");
      assert.equal((await app("ask('/api/me')")).status, 401);
    });

    for (const [how, leave] of [
      ["after signing out", "signOut()"],
      ["when another signs in in their place", "cached()"],
    ]) {
      it(`keeps what one person saw from the next, ${how}`, async () => {
        await app("signIn('ada')");
        await visit("/app/notes");
        await app("ask('/api/me')");
        await until(page, "app.cached().then((all) => all.length)", 2);
        await app(leave);
        await app("signIn('bob')");
        assert.doesNotMatch(await cached(), /\bada\b/);
        await goOffline();
        assert.equal((await app("ask('/app/notes')")).status, 0);
        assert.equal((await app("ask('/api/me')")).status, 0);
      });
    }

    for (const [who, change, status, reader] of [
      ["signs out", "signOut()", 401, undefined],
      ["makes way for another", "signIn('bob')", 200, "bob"],
    ]) {
      it(`keeps nothing of one who ${who} while the server answers`, async () => {
        await app("signIn('ada')");
        for (const path of ["/api/me?hold", "/workbox/api/me?hold"]) {
          await page.ask(`void (globalThis.answer = app.ask('${path}'))`);
          await condition(() => site.held.length > 0);
          await app(change);
          site.held.shift()();
          const answer = await page.ask("answer");
          if (!path.startsWith("/workbox")) {
            assert.equal(answer.status, status);
            if (reader) assert.equal(JSON.parse(answer.body).who, reader, "asked again for who is there now");
          }
          // One more that is kept, so that the first had its time.
          if (reader)
            await until(page, `app.ask('/app/after').then(() => app.cached()).then((all) => all.length > 0)`, true);
          // In caches of their own at no time; a key of Workbox's that nobody has any more may wait for the worker.
          assert.doesNotMatch(await cached(), /^tokenward:.*\bada\b/m);
          await until(page, "app.cached().then((all) => all.filter((one) => /\\bada\\b/.test(one)).length)", 0);
          await app("signIn('ada')");
        }
      });
    }

    it("mixes nobody up when people come and go", async () => {
      const turns = ["ada", "bob", null, "ada", null, "bob", "bob", "ada", "ada", null, "ada", "bob"];
      // More than the ends that the storage knows of.
      const many = Array.from({ length: 60 }, (_, turn) => turns[turn % turns.length]);
      assert.deepEqual(await app(`rush(${JSON.stringify(many)})`), []);
      await until(page, "app.cached().then((all) => all.filter((one) => /\\bada\\b/.test(one)).length)", 0);
    });

    it("keeps nothing that is not to be stored", async () => {
      await app("signIn('ada')");
      assert.equal((await app("ask('/api/me?no-store')")).status, 200);
      await app("ask('/api/me', { method: 'POST' })");
      await visit("/app/last");
      await until(page, "app.cached().then((all) => all.length)", 1);
      assert.match(await cached(), / \/app\/last /);
    });

    it("gives nobody what the HTTP cache has of another", async () => {
      const read = async () => {
        const found = {};
        for (const path of ["/app/notes", "/app/swift", "/plain/notes", "/workbox/notes"])
          found[path] = await visit(path);
        await page.open(`${site.url}/`);
        for (const path of ["/api/me", "/plain/api/me", "/workbox/api/mine", "/api/before"]) {
          const { body } = await app(`ask('${path}')`);
          const mode = await app(`ask('${path}?token', { headers: { authorization: 'Bearer ' + Math.random() } })`);
          found[path] = JSON.parse(body).who;
          found[`${path}?token`] = JSON.parse(mode.body).who;
        }
        return found;
      };
      for (const who of ["ada", "bob"]) {
        await app(`signIn('${who}')`);
        for (const [path, text] of Object.entries(await read())) assert.match(text, new RegExp(`\\b${who}$`), path);
        await app("signOut()");
      }
      await app("signIn('bob')");
      assert.doesNotMatch(await cached(), /\bada\b/);
    });

    it("lets go of a stream when the page does, and keeps nothing of it", async () => {
      await app("signIn('ada')");
      for (const [path, read] of [
        ["/api/events", "firstEvent"],
        ["/workbox/events", "firstEvent"],
        ["/api/endless", "glance"],
        ["/plain/endless", "glance"],
        ["/api/endless", "keepReading"],
      ]) {
        await app(`${read}('${path}')`);
        if (read === "keepReading") await page.open(`${site.url}/`);
        await until({ ask: async () => site.open.length }, path, 0);
      }
      // Of a page that leaves before the answer has begun no browser tells the worker. The answer is let go of all the same,
      // but by WebKit, where even `respondWith(fetch(event.request))` goes on.
      if (name !== "WebKitGTK") {
        await page.ask(
          "void (globalThis.stop = new AbortController(), app.ask('/api/endless?hold', { signal: stop.signal }))",
        );
        await condition(() => site.held.length > 0);
        await page.ask("void stop.abort()");
        site.held.shift()();
        await condition(() => site.open.length > 0);
        await until({ ask: async () => site.open.length }, "let go of late", 0);
      }
      assert.equal(await cached(), "");
      await goOffline();
      assert.equal(await app("firstEvent('/api/events')"), "none");
    });

    it("keeps nothing that was cut off", async () => {
      await app("signIn('ada')");
      for (const path of ["/api/cut-off?length", "/api/cut-off", "/workbox/cut-off?length"])
        await app(`ask('${path}')`);
      await app("ask('/api/after')");
      await until(page, "app.cached().then((all) => all.some((one) => one.includes('/api/after')))", true);
      // WebKit takes what was cut off without a length for whole.
      assert.doesNotMatch(await cached(), name === "WebKitGTK" ? /half.*length/ : /half/);
    });

    it("answers a part, online by the server and then from the whole", async () => {
      await app("signIn('ada')");
      const part = async (path, range) => {
        const { status, contentRange, body } = await app(`ask('${path}', { headers: { range: '${range}' } })`);
        return [status, contentRange, body.length];
      };
      assert.deepEqual(await part("/app/sound.wav", "bytes=0-3"), [206, "bytes 0-3/8044", 4]);
      assert.equal(await app("hear('/app/sound.wav')"), 1);
      assert.equal(await app("hear('/app/moved.wav')"), 1);
      for (const path of ["/app/sound.wav", "/workbox/sound.wav"]) await app(`ask('${path}')`);
      await until(page, "app.cached().then((all) => all.length)", 2);
      await goOffline();
      for (const path of ["/app/sound.wav", "/workbox/sound.wav"]) {
        assert.deepEqual(await part(path, "bytes=8040-"), [206, "bytes 8040-8043/8044", 4]);
        assert.deepEqual(await part(path, "bytes=9000-"), [416, "bytes */8044", 0]);
        assert.equal(await app(`hear('${path}')`), 1);
      }
    });

    it("lets limited access read, and nothing more", async () => {
      await app("signIn('ada')");
      await visit("/app/full/1");
      await until(page, "app.cached().then((all) => all.length)", 1);
      await app(`signIn('ada', { exp: ${Math.floor(Date.now() / 1000) - 60} })`);
      assert.equal(await visit("/app/notes"), "/app/notes of ada");
      assert.equal(await visit("/app/full/1"), "Sign in, please");
      const refused = await app("ask('/api/me', { method: 'POST' })");
      assert.equal(refused.status, 403);
      assert.equal(JSON.parse(refused.body).refused, "method");
      assert.equal((await app("ask('/api/me')")).status, 200);
    });

    it("gives strategies of Workbox the same guarantees", async () => {
      assert.equal(await visit("/workbox/notes"), "Sign in, please");
      assert.equal((await app("ask('/workbox/api/unasked')")).status, 401);
      assert.ok(!site.asked.includes("/workbox/api/unasked"), "what is denied is not sent");
      await page.open(`${site.url}/`);
      await app("signIn('ada')");
      assert.equal(await visit("/workbox/notes"), "/workbox/notes of ada");
      assert.equal(JSON.parse((await app("ask('/workbox/api/me?1')")).body).who, "ada");
      await until(page, "app.cached().then((all) => all.length)", 2);
      await goOffline();
      assert.equal(await visit("/workbox/notes"), "/workbox/notes of ada");
      assert.equal(JSON.parse((await app("ask('/workbox/api/me?2')")).body).who, "ada");
      await site.start();
      online = true;
      await app("signIn('bob')");
      assert.equal(JSON.parse((await app("ask('/workbox/api/me?1')")).body).who, "bob");
      await until(page, "app.cached().then((all) => all.filter((one) => /\\bada\\b/.test(one)).length)", 0);
      await goOffline();
      assert.equal((await app("ask('/workbox/notes')")).status, 0);
      await app("signOut()");
      await until(page, "app.cached().then((all) => all.length)", 0);
      assert.equal(await visit("/workbox/notes"), "Sign in, please");
    });

    if (name === "WebKitGTK") {
      it("a page that Back shows again, as it was left, knows that the person has gone", async () => {
        await app("signIn('ada')");
        await page.ask("void (globalThis.isAsLeft = true)");
        await visit("/open");
        await app("signOut()");
        await page.back();
        await until(page, "location.pathname + globalThis.isAsLeft", "/true");
        await until(page, "app.who()", "signed_out");
      });
    }

    if (name === "Chromium") {
      it("answers from storage when the worker was killed and starts again without a server", async () => {
        await app("signIn('ada')");
        await visit("/app/notes");
        await visit("/workbox/notes");
        await until(page, "app.cached().then((all) => all.length)", 2);
        await goOffline();
        for (const path of ["/app/notes", "/workbox/notes"]) {
          await page.kill();
          assert.equal(await visit(path), `${path} of ada`);
        }
      });

      it("knows of a sign-out that happened while the worker was not there", async () => {
        await app("signIn('ada')");
        await visit("/app/notes");
        await visit("/workbox/notes");
        await until(page, "app.cached().then((all) => all.length)", 2);
        await goOffline();
        await page.kill();
        await app("signOut()");
        assert.ok(!(await cached()).includes("/app/notes"));
        assert.equal(await visit("/app/notes"), "Sign in, please");
        assert.equal(await visit("/workbox/notes"), "Sign in, please");
        assert.equal(
          await page.ask("caches.open('workbox-pages').then((cache) => cache.keys()).then((keys) => keys.length)"),
          0,
        );
      });
    }
  });
}

async function condition(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Also ends the service worker, as a browser does with one that is idle or in its way. */
async function openKillable() {
  const page = await openChromiumPage();
  const { devtools } = page;
  await devtools.send("ServiceWorker.enable");
  return {
    ...page,
    async kill() {
      const stopped = new Promise((resolve) => {
        devtools.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
          if (versions.some(({ runningStatus }) => runningStatus === "stopped")) resolve();
        });
      });
      await devtools.send("ServiceWorker.stopAllWorkers");
      await stopped;
    },
  };
}
