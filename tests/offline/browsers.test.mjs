// The field app in three browsers against the real provider with one-time refresh tokens: two tabs at once, faults at each
// step of a refresh, clocks moved, keys rotated while away, the network really gone, two people on one device.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, test } from "node:test";
import { openChromiumPage, openFirefox, openWebKit } from "../browsers/engines.mjs";
import { startTestPlayground } from "../playground/site.mjs";
import { fieldApp } from "./field.mjs";

const BROWSERS = { Chromium: openChromiumPage, Firefox: openFirefox, WebKitGTK: openWebKit };
const TWO_TABS = 200;

/** What becomes of a request to the token endpoint before the provider has seen it. */
const HARMLESS = {
  "the connection breaks": (request) => request.socket.destroy(),
  "the server is overloaded": (_request, response) => response.writeHead(503, CORS).end("busy"),
  "a captive portal answers": (_request, response) =>
    response.writeHead(200, { ...CORS, "content-type": "text/html" }).end("<h1>Welcome to our Wi-Fi</h1>"),
  "a captive portal leads elsewhere": (_request, response) =>
    response.writeHead(302, { ...CORS, location: "https://portal.example/" }).end(),
  "the answer is cut short": (_request, response) =>
    response.writeHead(200, { ...CORS, "content-type": "application/json" }).end('{"access_token":"eyJ'),
  "the answer ends before its length": (_request, response) => {
    response.writeHead(200, { ...CORS, "content-type": "application/json", "content-length": "4000" });
    response.write('{"access_token":"eyJ', () => response.destroy());
  },
};
const CORS = { "access-control-allow-origin": "*" };

for (const [name, openBrowser] of Object.entries(BROWSERS)) {
  describe(`a session in ${name}`, () => {
    let playground;
    let page;
    let field;
    before(async () => {
      playground = await startTestPlayground();
      page = await openBrowser();
      field = fieldApp(page, playground.url);
      await field.open();
      await field.worker();
      await field.signIn("grace");
    });
    after(async () => {
      await page?.close();
      await playground?.close();
    });

    const atTokenEndpoint = (fault) =>
      playground.provider.meddle((request, response, answer) =>
        request.method === "POST" && request.url === "/token" ? fault(request, response, answer) : answer(),
      );
    const honestly = () => playground.provider.meddle();

    it(`refreshes in two tabs at once, ${TWO_TABS} times, and nobody is signed out`, async () => {
      const { counts, reasons } = await field.refreshTwice(TWO_TABS);
      assert.deepEqual(Object.keys(counts).sort(), ["adopted", "refreshed"], JSON.stringify(counts));
      assert.ok(counts.refreshed >= TWO_TABS);
      assert.deepEqual(reasons, ["valid", "valid"]);
    });

    for (const [fault, handler] of Object.entries(HARMLESS)) {
      it(`stays signed in when ${fault} before the token was used, and recovers`, async () => {
        atTokenEndpoint(handler);
        assert.equal(await field.refresh(), "unavailable");
        assert.equal(await field.word(), "full");
        honestly();
        assert.equal(await field.refresh(), "refreshed");
      });
    }

    it("takes an answer that comes late", async () => {
      atTokenEndpoint((_request, _response, answer) => setTimeout(answer, 3000));
      assert.equal(await field.refresh(), "refreshed");
      honestly();
    });

    it("goes from full to limited to none with the clock, and does not believe one that was set back", async () => {
      assert.equal(await field.titleOf("field/notes.html"), "Site notes");
      await field.setOffline(true);
      await field.slideTo(600);
      await field.becomes("#reason", "grace");
      assert.deepEqual(await field.rights(), ["yes", "no"]);
      assert.equal(await field.titleOf("field/notes.html"), "Site notes", "what was read stays readable");
      await field.slideTo(900);
      await field.becomes("#reason", "expired");
      assert.deepEqual(await field.rights(), ["no", "no"]);
      assert.equal(await field.titleOf("field/notes.html"), "Not for now");
      await field.setBack();
      await field.setBack();
      await field.becomes("#reason", "clock_rolled_back");
      await field.setOffline(false);
      await field.becomes("#access-word", "full");
    });

    it("comes back to a provider with other keys: learns them, and is refreshed", async () => {
      await field.setOffline(true);
      await playground.provider.rotateKeys();
      await field.slideTo(600);
      await field.becomes("#reason", "grace");
      await field.setOffline(false);
      await field.becomes("#access-word", "full");
      assert.equal(await field.reason(), "valid");
      assert.equal(await field.refresh(), "refreshed");
    });

    it("ends the session at the refresh after a lost answer, and says so, as the one-time token was used", async () => {
      atTokenEndpoint((request, response, answer) => {
        response.end = () => request.socket.destroy();
        return answer();
      });
      assert.equal(await field.refresh(), "unavailable");
      assert.equal(await field.word(), "full", "the access token still serves");
      honestly();
      assert.equal(await field.refresh(), "signed_out");
      await field.becomes("#access-word", "signed out");
      assert.match(await field.why(), /^The provider has ended the session/);
      await field.signIn("grace");
    });

    it("signs out without a network, and the next person sees nothing of the first", async () => {
      assert.equal(await field.titleOf("field/contacts.html"), "Contacts");
      const [cacheOfGrace] = await field.caches();
      assert.ok(cacheOfGrace);
      await field.setOffline(true);
      await field.signOut();
      await field.becomes("#access-word", "signed out");
      assert.deepEqual(await field.caches(), []);
      const revoked = new Promise((resolve) => {
        playground.provider.meddle((request, _response, answer) => {
          if (request.method === "POST" && request.url === "/token/revocation") resolve();
          return answer();
        });
      });
      await page.ask(`document.querySelector("#offline").click()`);
      await page.ask(`dispatchEvent(new Event("online"))`);
      await revoked;
      honestly();
      await field.signIn("ada");
      assert.equal(await field.titleOf("field/contacts.html"), "Contacts");
      assert.ok(!(await field.caches()).includes(cacheOfGrace));
    });

    it("answers from the device when everything is gone, and refreshes when it is back", async () => {
      assert.equal(await field.titleOf("field/notes.html"), "Site notes");
      await playground.close();
      await page.reload();
      await field.becomes("#access-word", "full");
      assert.equal(await field.titleOf("field/notes.html"), "Site notes");
      assert.equal(await field.refresh(), "unavailable");
      assert.equal(await field.reason(), "valid");
    });
  });
}

// Chromium is in chromium.test.mjs; WebKitGTK's driver begins with nothing each time.
test("Firefox, started anew with the servers gone, answers from the device", async (t) => {
  const profile = mkdtempSync(join(tmpdir(), "tokenward-profile-"));
  const playground = await startTestPlayground();
  const first = await openFirefox({ profile });
  const before = fieldApp(first, playground.url);
  await before.open();
  await before.worker();
  await before.signIn("grace");
  assert.equal(await before.titleOf("field/notes.html"), "Site notes");
  await first.close();
  await playground.close();
  const page = await openFirefox({ profile });
  t.after(async () => {
    await page.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const field = fieldApp(page, playground.url);
  await field.open();
  assert.equal(await field.word(), "full");
  assert.equal(await field.titleOf("field/notes.html"), "Site notes", "the first gated request of a new worker");
  assert.equal(await field.refresh(), "unavailable");
  assert.equal(await field.reason(), "valid");
});
