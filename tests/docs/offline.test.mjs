// The files of docs/offline.md, run as they stand: signed in at a provider, offline, with the clock moved, signed out.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { BUILT, makeFolder, writePrograms } from "./blocks.mjs";
import { APP, Provider } from "./provider.mjs";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

const provider = new Provider({ audience: "https://api.example" });
const listeners = new Map();
let folder;

before(async () => {
  folder = makeFolder();
  await writePrograms("docs/offline.md", folder.path, { jwks: provider.jwks, replace: BUILT });
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  mock.method(globalThis, "fetch", (input, init) => provider.fetch(input, init));
  globalThis.location = Object.assign(new URL(`${APP}/`), { assign: (url) => listeners.set("left for", url) });
  globalThis.isSecureContext = true;
  globalThis.history = { replaceState() {} };
  globalThis.self = { addEventListener: (type, listener) => listeners.set(type, listener) };
  const items = new Map();
  globalThis.sessionStorage = {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => items.set(name, value),
    removeItem: (name) => items.delete(name),
  };
});
after(async () => {
  (await run("auth.js")).session.stop();
  mock.restoreAll();
  mock.timers.reset();
  folder.remove();
});

const run = (file, query = "") => import(`${pathToFileURL(join(folder.path, file))}${query}`);
const later = () => new Promise((resolve) => setTimeout(resolve, 5));
const pass = (seconds) => mock.timers.setTime(Date.now() + seconds * 1000);

/** What the guide's pages do to a document. */
class FakePage {
  registered = [];
  onLine = true;
  leftFor;
  #elements = new Map();

  constructor() {
    location.replace = (url) => {
      this.leftFor = url;
    };
    const querySelector = (id) => this.element(id);
    globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, querySelector });
    const serviceWorker = { register: async (url) => this.registered.push(url) };
    globalThis.navigator ??= {}; // Node 20 has none
    Object.defineProperty(navigator, "serviceWorker", { value: serviceWorker, configurable: true });
    Object.defineProperty(navigator, "onLine", { get: () => this.onLine, configurable: true });
  }

  element(id) {
    const found = this.#elements.get(id) ?? Object.assign(new EventTarget(), { textContent: "" });
    this.#elements.set(id, found);
    return found;
  }

  click(id) {
    this.element(id).dispatchEvent(new Event("click"));
  }
}

async function signIn() {
  const { signIn, finishSignIn } = await run("sign-in.js");
  await signIn();
  location.href = provider.authorize(listeners.get("left for"));
  await finishSignIn();
}

test("signing in by the guide's files gives full access", async () => {
  const { session } = await run("auth.js");
  assert.equal((await session.start()).status, "signed_out");
  await signIn();
  assert.deepEqual([session.state.status, session.state.access], ["signed_in", "full"]);
  assert.equal(session.access({ method: "PUT", scope: "notes:write" }).allowed, true);
  assert.equal(session.state.protectedBy, "device");
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.state.access, "full");
});

test("the pages sign in, show what may be done until when, and say what went wrong", async () => {
  const page = new FakePage();
  const { signIn } = await run("sign-in.js");
  await signIn();
  location.href = provider.authorize(listeners.get("left for"));
  await run("signed-in.js");
  assert.equal(page.leftFor, "/app/notes.html");
  await run("signed-in.js", "?reloaded");
  const message = () => page.element("#message").textContent;
  assert.equal(message(), "Signing in did not work. No sign-in was begun in this tab.");

  await run("main.js");
  assert.deepEqual(page.registered, ["/sw.js"]);
  const until = new Date(Date.now() + (15 * MINUTE + 5) * 1000).toLocaleString();
  assert.equal(page.element("#status").textContent, `You can read and write until ${until}.`);
  assert.deepEqual(document.body.dataset, { status: "signed_in", access: "full" });

  provider.reachable = false;
  const saysAfterClick = async () => {
    page.click("#sign-in");
    assert.equal(message(), "", "what was said before is gone");
    for (let times = 0; message() === "" && times < 400; times += 1) await later();
    return message();
  };
  assert.match(
    await saysAfterClick(),
    /^login\.example .* cannot be reached, or it does not allow https:\/\/app\.example \(CORS\)\.$/,
  );
  page.onLine = false;
  assert.equal(await saysAfterClick(), "There is no network.");
  globalThis.isSecureContext = false;
  assert.match(await saysAfterClick(), /^Signing in needs https/);
  globalThis.isSecureContext = true;
  provider.reachable = true;
});

test("every reason is told in words, none of them by its code", async () => {
  const { explain } = await run("words.js");
  const told = (state) => explain({ status: "signed_in", access: "none", until: null, ended: null, ...state });
  const reasons = ["expired", "check_in_required", "clock_rolled_back", "not_yet_valid", "locked", "invalid_token"];
  for (const reason of reasons) assert.match(told({ reason }), /^[A-Z].*\.$/, reason);
  assert.match(told({ reason: "grace", until: 1 }), /^You can read until .*1970.*\. Connect to write again\.$/);
  assert.equal(told({ status: "starting", reason: "signed_out" }), "");
  for (const ended of ["rejected", "interrupted", "user_changed", "evicted", "clock_changed"]) {
    assert.match(told({ status: "signed_out", reason: "signed_out", ended }), /Please sign in again\.$/, ended);
  }
  assert.equal(told({ status: "signed_out", reason: "signed_out", ended: "signed_out" }), "You are not signed in.");
});

test("the shell is kept with the files that its pages name, and answers first", async () => {
  const kept = new Map();
  const page = '<link href="/assets/a.css"><a href="/app/notes"></a><script src="/assets/b.js"></script>';
  const server = mock.method(globalThis, "fetch", () => Promise.resolve(new Response(page)));
  const { Request: Original } = globalThis;
  globalThis.Request = class extends Original {
    constructor(input, init) {
      super(new URL(input, APP), init);
    }
  };
  const addAll = (requests) => {
    for (const { url } of requests) kept.set(new URL(url).pathname, new Response(`kept ${url}`));
  };
  globalThis.caches = { open: async () => ({ addAll }), match: async ({ url }) => kept.get(new URL(url).pathname) };
  try {
    const { keepShell, fromShell } = await run("shell.js");
    await keepShell();
    assert.deepEqual([...kept.keys()], ["/", "/signed-in.html", "/assets/a.css", "/assets/b.js"]);
    const ask = (url, init) => fromShell({ request: new Original(url, init), waitUntil() {} });
    assert.equal(await (await ask(`${APP}/?utm=x`)).text(), `kept ${APP}/`);
    assert.equal(await (await ask(`${APP}/other`)).text(), page);
    assert.equal(ask(`${APP}/`, { method: "POST" }), undefined);
    assert.equal(ask("https://elsewhere.example/"), undefined);
  } finally {
    server.mock.restore();
    globalThis.Request = Original;
    delete globalThis.caches;
  }
});

test("the worker's gate answers who is signed in", async () => {
  const { session } = await run("auth.js");
  await run("sw.js");
  const ask = (path, as = {}) =>
    new Promise((respondWith) => {
      const waitUntil = () => {};
      const request = Object.defineProperties(new Request(`${APP}${path}`), as);
      listeners.get("fetch")({ request, respondWith, waitUntil });
    });
  assert.equal(await (await ask("/api/notes")).text(), "the notes");
  assert.equal((await ask("/app/admin/x")).status, 403);
  assert.equal(session.access({ role: "admin" }).allowed, false);
  provider.reachable = false;
  const unread = await ask("/app/unread", { mode: { value: "navigate" } });
  assert.deepEqual([unread.status, (await unread.text()).includes("Not on this device yet")], [503, true]);
  await assert.rejects(ask("/api/unread"), TypeError);
  provider.reachable = true;
});

test("offline it is full, then limited for 24 hours, then none", async () => {
  const { session } = await run("auth.js");
  provider.reachable = false;
  pass(15 * MINUTE + 4);
  assert.equal(session.access().reason, "valid");
  pass(1);
  assert.deepEqual([session.access().access, session.access().reason], ["limited", "grace"]);
  assert.equal(session.access({ method: "GET" }).allowed, true);
  assert.equal(session.access({ method: "PUT" }).allowed, false);
  pass(24 * HOUR - 6);
  assert.equal(session.access().reason, "grace");
  pass(1);
  assert.deepEqual([session.access().access, session.access().reason], ["none", "expired"]);
  assert.equal(session.accessToken, undefined);
  assert.equal(await session.refresh(), "unavailable");
  assert.equal(session.state.status, "signed_in");
});

test("a clock set back gives nothing, until the provider has answered", async () => {
  const { session } = await run("auth.js");
  pass(-24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  pass(24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  provider.reachable = true;
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().access, "full");
});

test("a clock that was a day ahead locks out until the provider has answered, no longer", async () => {
  const { session } = await run("auth.js");
  pass(24 * HOUR);
  session.access();
  pass(-24 * HOUR);
  assert.equal(session.access().reason, "clock_rolled_back");
  assert.equal(await session.refresh(), "refreshed");
  assert.equal(session.access().reason, "valid");
});

for (const [how, hours] of Object.entries({ behind: 2, ahead: -2 })) {
  test(`a device whose clock is two hours ${how} works as any other`, async () => {
    const { session } = await run("auth.js");
    provider.ahead = hours * HOUR;
    await signIn();
    assert.deepEqual([session.state.access, session.state.until], ["full", Date.now() / 1000 + 15 * MINUTE + 5]);
    pass(10 * MINUTE);
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.access().until, Date.now() / 1000 + 15 * MINUTE + 5);
    // The clock is put right.
    pass(hours * HOUR);
    provider.ahead = 0;
    assert.equal(session.access().reason, how === "ahead" ? "valid" : "grace");
    assert.equal(await session.refresh(), "refreshed");
    assert.equal(session.access().reason, "valid");
  });
}

test("signing out offline leaves nothing to be used, and revokes later", async () => {
  const { session } = await run("auth.js");
  provider.reachable = false;
  await session.signOut();
  assert.deepEqual([session.state.status, session.state.ended], ["signed_out", "signed_out"]);
  assert.equal(session.accessToken, undefined);
  assert.deepEqual(provider.revoked, []);
  provider.reachable = true;
  const { session: restarted } = await run("auth.js", "?restarted");
  await restarted.start();
  assert.equal(restarted.state.status, "signed_out");
  for (let times = 0; provider.revoked.length === 0 && times < 400; times += 1) await later();
  assert.match(provider.revoked[0], /^refresh-/);
  restarted.stop();
});
