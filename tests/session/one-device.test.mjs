// Random lives of one device: people come and go in tabs that read, refresh, sleep, wake and hear each other late, over a
// storage and caches that take their time, with a gate in a worker. Whoever asks is never shown what somebody else cached.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "tokenward/gate";
import { FakeCaches, ORIGIN, request } from "../gate/fakes.mjs";
import { randomFrom } from "../random.mjs";
import { mapStorage, openTab, turns, who } from "../support/device.mjs";
import { strictProvider } from "../support/provider.mjs";

const LIVES = 12;
const STEPS = 120;
/** More than tabs ever do once nobody asks anything: whoever goes on is in a loop. */
const MOST_STEPS = 20_000;

globalThis.location = new URL("/worker.js", ORIGIN);

for (const [kind, mayBeMute] of [
  ["tabs that hear each other", false],
  ["tabs of which some hear nothing", true],
]) {
  test(`${LIVES} lives of ${STEPS} steps: ${kind}`, async () => {
    for (let seed = 1; seed <= LIVES; seed += 1) await new Life(seed, mayBeMute).run();
  });
}

class Life {
  provider = strictProvider();
  storage = mapStorage();
  caches = new FakeCaches();
  tabs = [];
  ended = new Set();
  /** Who is signed in, by session and name. */
  current = { who: "signed_out" };
  /** What goes on beside the steps. */
  background = new Set();
  /** Counts whatever happens. */
  stirred = 0;
  written = 0;
  posted = 0;
  #seed;
  #mayBeMute;
  #random;
  #exclusive = turns();
  #pace;

  constructor(seed, mayBeMute) {
    this.#seed = seed;
    this.#mayBeMute = mayBeMute;
    this.#random = randomFrom(seed);
    this.#pace = this.#pick([0, 1, 3, 8, 25]);
  }

  async run() {
    globalThis.caches = this.caches;
    this.caches.before = () => this.#pause();
    for (let count = 0; count < 3; count += 1) await this.#open();
    const worker = await this.#open(false);
    this.gate = createGate({ session: worker.session, rules: [{ match: "/*", cache: "user" }], refreshTimeout: 0 });
    for (let step = 0; step < STEPS; step += 1) await this.#step(`seed ${this.#seed}, step ${step}`);
    await this.#settled();
    for (const { session } of this.tabs) session.stop();
  }

  async #step(where) {
    for (const { session } of this.#awake) {
      if (this.#happens(0.4)) this.#meanwhile(session.sync());
      if (this.#happens(0.15)) this.#meanwhile(session.refresh());
    }
    if (this.#happens(0.3)) this.#meanwhile(this.#ask());
    const [, ...others] = this.#awake.filter(({ isMute }) => isMute !== undefined);
    if (this.#happens(0.1) && others.length > 0) this.#pick(others).sleeping = [];
    const asleep = this.tabs.find(({ sleeping }) => sleeping !== undefined);
    if (this.#happens(0.15) && asleep !== undefined) this.#wake(asleep);
    if (this.#happens(0.06)) await this.#open();

    await this.#comeOrGo(this.#pick(this.#awake).session, where);
    const shown = await this.#ask();
    const allowed = this.current.sessionId === undefined ? ["refused"] : [this.current.who, "no network"];
    assert.ok(allowed.includes(shown), `${where}: ${shown} is shown to ${this.current.who}`);
    if (this.#happens(0.6)) await this.#checkAll(where);
  }

  async #comeOrGo(session, where) {
    const what = this.#pick(["in", "in", "again", "out", "nothing", "nothing", "evicted"]);
    const { sessionId, who: before } = this.current;
    if (what === "evicted") {
      if (this.#happens(0.7)) return;
      this.storage.values.clear();
      this.current = { who: "signed_out" };
      // Who has not looked yet does not know: the gate of a worker looks now.
      await Promise.all(this.#awake.map((tab) => tab.session.sync()));
    } else if (what === "out") {
      await session.signOut();
      this.current = { who: "signed_out" };
    } else if (what !== "nothing") {
      const person = what === "again" && sessionId !== undefined ? before : where;
      await session.signIn(this.provider.signIn(person));
      assert.equal(who(session), person, where);
      this.current = { who: person, sessionId: session.state.sessionId };
    }
    if (sessionId !== undefined && sessionId !== this.current.sessionId) this.ended.add(sessionId);
  }

  /** Once everything has been read, all tabs that are awake know who is there, and nothing more happens. */
  async #checkAll(where) {
    if (this.#happens(0.5)) await Promise.all(this.background);
    const sessions = this.#awake.map(({ session }) => session);
    const sync = () => Promise.all(sessions.map((session) => session.sync()));
    await sync();
    assert.deepEqual(
      sessions.map(who),
      sessions.map(() => this.current.who),
      where,
    );
    await this.#settled();
    await sync();
    await this.#settled();
    const { written, posted } = this;
    await sync();
    await this.#settled();
    assert.deepEqual([this.written, this.posted], [written, posted], `${where}: nothing to write, nothing to say`);
    const own = `tokenward:default:${this.current.sessionId}`;
    const others = (await this.caches.keys()).filter((name) => name.startsWith("tokenward:") && name !== own);
    assert.deepEqual(others, [], where);
    for (const session of sessions) assert.ok(!this.ended.has(session.state.sessionId), where);
    const tokens = this.provider.asked;
    assert.equal(new Set(tokens).size, tokens.length, `${where}: a token was used twice`);
  }

  /** What the gate shows, of a server that knows its people or cannot be reached. */
  async #ask() {
    const isOffline = this.#happens(0.5);
    const later = [];
    const next = async (_request, { claims }) => {
      await this.#pause();
      if (isOffline) throw new TypeError("no network");
      return new Response(claims.sub);
    };
    const event = { request: request(this.#pick(["/a", "/b"])), waitUntil: (work) => later.push(work) };
    const shown = await this.gate.handle(event, next).then(
      (response) => (response.ok ? response.text() : "refused"),
      (error) => error.message,
    );
    await Promise.all(later);
    return shown;
  }

  async #open(isMute = this.#mayBeMute && this.#happens(0.4)) {
    const tab = { isMute: this.tabs.length === 3 ? undefined : isMute };
    this.tabs.push(tab);
    const post = (message) => {
      this.posted += 1;
      const listeners = this.tabs.filter((other) => other !== tab && !other.isMute && !isMute);
      for (const other of listeners) this.#meanwhile(this.#pause().then(() => hear(other, structuredClone(message))));
    };
    const channel = (_name, listener) => {
      tab.listener = listener;
      return { post, close() {} };
    };
    const environment = { exclusive: this.#exclusive, channel, caches: this.caches, after: () => () => {} };
    tab.session = await openTab({ provider: this.provider, storage: this.#slowly(), environment });
    return tab;
  }

  #wake(tab) {
    const heard = tab.sleeping;
    tab.sleeping = undefined;
    for (const message of heard) hear(tab, message);
  }

  #slowly() {
    const act = async (name, given) => {
      await this.#pause();
      if (name !== "get") this.written += 1;
      const value = await this.storage[name](...given);
      await this.#pause();
      return value;
    };
    return Object.fromEntries(["get", "set", "delete"].map((name) => [name, (...given) => act(name, given)]));
  }

  get #awake() {
    return this.tabs.filter(({ sleeping }) => sleeping === undefined);
  }

  #meanwhile(work) {
    const done = work.finally(() => this.background.delete(done));
    this.background.add(done);
  }

  async #pause() {
    for (let rest = Math.floor(this.#random() * (this.#pace + 1)); rest > 0; rest -= 1) await turn();
    this.stirred += 1;
  }

  /** When nothing has happened for a while. */
  async #settled() {
    await Promise.all(this.background);
    const begun = this.stirred;
    for (let quiet = 0, seen = this.stirred; quiet < 60; quiet += 1) {
      assert.ok(this.stirred - begun < MOST_STEPS, `seed ${this.#seed}: tabs never come to rest`);
      await turn();
      if (seen !== this.stirred) quiet = 0;
      seen = this.stirred;
    }
  }

  #pick(list) {
    return list[Math.floor(this.#random() * list.length)];
  }

  #happens(likelihood) {
    return this.#random() < likelihood;
  }
}

function hear(tab, message) {
  if (tab.sleeping === undefined) tab.listener?.(message);
  else tab.sleeping.push(message);
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}
