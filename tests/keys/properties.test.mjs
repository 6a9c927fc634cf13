// What holds of key stores in several tabs, whatever happens: sets published and withdrawn, answers early, late or never,
// storages that refuse, reloads, clocks that go on and that jump.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { AUDIENCE, ISSUER, NOW } from "../conformance/tokens.mjs";
import fc, { runs } from "../support/properties.mjs";
import { accepted, k1, k2, k3 } from "./stores.mjs";

const KEYS = [k1, k2, k3];
const BUNDLE = [k1, k2];
const TABS = 2;
const tab = fc.nat({ max: TABS - 1 });
const often = (weight, what, more = { tab }) => ({
  weight,
  arbitrary: fc.record({ what: fc.constant(what), ...more }),
});

/** Mostly what makes requests of several tabs overlap. */
const STEPS = [
  often(5, "start"),
  often(5, "answer"),
  often(3, "publish", { keys: fc.subarray(KEYS, { minLength: 1 }) }),
  often(2, "load"),
  often(2, "reload"),
  often(1, "due"),
  often(1, "fail", { tab, how: fc.constantFrom("network", "page", "status", "private") }),
  often(1, "wait", { seconds: fc.integer({ min: 1, max: 700_000 }) }),
  often(1, "storage", { works: fc.constantFrom(true, true, false) }),
];
const IN_TURN = [
  often(5, "refresh"),
  often(4, "publish", { keys: fc.subarray(KEYS, { minLength: 1 }) }),
  often(3, "load"),
  often(1, "reload"),
];
const JUMP = often(2, "wait", { seconds: fc.integer({ min: -2_000_000, max: 2_000_000 }) });
const life = (...steps) => fc.array(fc.oneof(...steps), { minLength: 20, maxLength: 60, size: "max" });

test("no tab ever goes back to an older set; an answered refresh brings the set as it was when asked, or a newer one", () =>
  fc.assert(
    fc.asyncProperty(life(...STEPS), fc.boolean(), async (steps, pin) => {
      const world = new World(pin);
      for (const step of steps) {
        const before = world.versions();
        await world.take(step);
        world.versions().forEach((version, index) => {
          // A tab that was loaded anew while the storage refused starts with the bundle.
          if (!world.startedAnew.has(index)) assert.ok(version >= before[index], `${before} -> ${world.versions()}`);
        });
        world.check();
      }
      await world.end();
    }),
    runs(200),
  ));

test("whatever the clock does, a tab that looks has the newest set, while the storage works and answers come in turn", () =>
  fc.assert(
    fc.asyncProperty(life(...IN_TURN, JUMP), fc.boolean(), async (steps, pin) => {
      const world = new World(pin);
      let newest = -1;
      for (const step of steps) {
        await world.take(step);
        newest = Math.max(newest, ...world.versions());
        if (step.tab !== undefined) assert.equal(world.versions()[step.tab], newest, JSON.stringify(step));
        world.check();
      }
    }),
    runs(200),
  ));

test("whatever the clock does, an answered refresh brings what the provider published last", () =>
  fc.assert(
    fc.asyncProperty(life(...STEPS, JUMP), fc.boolean(), async (steps, pin) => {
      const world = new World(pin);
      for (const step of steps) {
        await world.take(step);
        world.check();
      }
      await world.end();
      await world.take({ what: "storage", works: true });
      for (let index = 0; index < TABS; index += 1) {
        await world.take({ what: "publish", keys: [KEYS[index], k3] });
        await world.take({ what: "start", tab: index });
        await world.take({ what: "answer", tab: index });
        assert.equal(world.versions()[index], world.published.length - 1);
        await world.take({ what: "reload", tab: (index + 1) % TABS });
        assert.equal(world.versions()[(index + 1) % TABS], world.published.length - 1);
      }
    }),
    runs(200),
  ));

/** A provider, a storage and some tabs. */
class World {
  published = [BUNDLE];
  startedAnew = new Set();
  #pin;
  #clock = { now: NOW };
  #clockWentBack = false;
  #works = true;
  #storage;
  #tabs;

  constructor(pin) {
    this.#pin = pin;
    const memory = memoryStorage();
    const orRefuse =
      (method) =>
      (...parameters) =>
        this.#works ? memory[method](...parameters) : Promise.reject(new Error("refused"));
    this.#storage = { get: orRefuse("get"), set: orRefuse("set"), delete: orRefuse("delete") };
    this.#tabs = Array.from({ length: TABS }, () => this.#open());
  }

  #open() {
    const pending = [];
    const fetch = () =>
      new Promise((resolve, reject) => {
        pending.push({ resolve, reject, version: this.published.length - 1 });
      });
    const now = () => this.#clock.now;
    const one = { pending, asked: undefined, version: -1 };
    const verifier = createVerifier({ jwks: BUNDLE, issuer: ISSUER, audience: AUDIENCE, now });
    // Each published set carries its number: so it shows which one the tab has taken.
    const setKeys = (text, issuer) => {
      verifier.setKeys(text, issuer);
      one.version = JSON.parse(text).version ?? one.version;
    };
    const watched = Object.create(verifier, { setKeys: { value: setKeys } });
    const where = { jwksUri: "https://login.example/keys", storage: this.#storage, fetch };
    one.store = createKeyStore({ verifier: watched, bundled: BUNDLE, now, pin: this.#pin, timeout: "30s", ...where });
    return one;
  }

  async take({ what, ...step }) {
    this.startedAnew.clear();
    this.#clock.now += 0.001;
    const { store, pending } = this.#tabs[step.tab] ?? {};
    if (what === "publish") this.published.push(step.keys);
    if (what === "wait") this.#clock.now += step.seconds;
    if (step.seconds < 0) this.#clockWentBack = true;
    if (what === "storage") this.#works = step.works;
    if (what === "load") await store.load();
    if (what === "start" || what === "due") await this.#ask(step.tab, what === "start" ? "refresh" : "refreshIfDue");
    if (what === "refresh") await this.#ask(step.tab, what);
    if (what === "refresh" || what === "answer" || what === "fail") await this.#answer(step);
    if (what === "reload") {
      for (const { reject } of pending) reject(new TypeError("the page is gone"));
      await this.#tabs[step.tab].asked;
      this.#tabs[step.tab] = this.#open();
      this.startedAnew.add(step.tab);
      await this.#tabs[step.tab].store.load();
    }
  }

  /** Until the request is on its way, or none is made. */
  async #ask(index, method) {
    const one = this.#tabs[index];
    if (one.asked !== undefined) return;
    let settled = false;
    one.asked = one.store[method]()
      .then(
        () => {},
        (error) => assert.equal(error.name, "KeyStoreError"),
      )
      .finally(() => {
        settled = true;
      });
    while (!settled && one.pending.length === 0) await new Promise(setImmediate);
    if (settled) one.asked = undefined;
  }

  async #answer({ tab: index, how }) {
    const one = this.#tabs[index];
    const request = one.pending.shift();
    if (request === undefined) return;
    const { resolve, reject, version } = request;
    const text = JSON.stringify({ keys: this.published[version], version });
    if (how === undefined) resolve(new Response(text));
    if (how === "network") reject(new TypeError("no network"));
    if (how === "page") resolve(new Response("<!doctype html>"));
    if (how === "status") resolve(new Response(text, { status: 503 }));
    if (how === "private") resolve(new Response(JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }], version })));
    const before = this.versions();
    await one.asked;
    one.asked = undefined;
    if (how === undefined) assert.ok(this.#clockWentBack || this.versions()[index] >= version);
    else if (!this.#works) assert.deepEqual(this.versions(), before);
  }

  /** Which of the published sets each tab has in use; -1: the bundle. */
  versions() {
    return this.#tabs.map(({ version }) => version);
  }

  /** Each tab takes the tokens of its set, of the bundled keys among them if it pins, and no others. */
  check() {
    for (const { store, version } of this.#tabs) {
      const keys = this.published[version] ?? BUNDLE;
      const counted = this.#pin ? keys.filter((key) => BUNDLE.includes(key)) : keys;
      assert.deepEqual(accepted(store), counted.map(({ kid }) => kid).sort());
    }
  }

  async end() {
    for (let index = 0; index < TABS; index += 1) {
      while (this.#tabs[index].pending.length > 0) await this.#answer({ tab: index, how: "network" });
    }
  }
}
