// A small world in which the real session code lives: one provider with one-time refresh tokens, one network, devices
// with clocks of their own and tabs that may die at any moment. Everything follows from a seed; no real time passes.
import { sign } from "node:crypto";
import { createVerifier } from "tokenward";
import { createKeyStore } from "tokenward/keys";
import { ProviderUnavailable, RefreshRejected } from "tokenward/providers";
import { createSession, noProtection, ProtectionError } from "tokenward/session";
import { StorageError } from "tokenward/storage";
import { HeldKey } from "../../pkg/esm/protection/data-key.js";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { randomFrom } from "../random.mjs";

export const ISSUER = "https://login.example";
const START = 1_800_000_000;

/** Made once: generating is slow, and any key is as good as another. */
const KEYS = Array.from({ length: 6 }, (_, index) => {
  const { publicKey, privateKey } = generateKeyPair("ed25519");
  return {
    kid: `k${index}`,
    privateKey,
    jwk: { ...publicKey.export({ format: "jwk" }), kid: `k${index}`, alg: "EdDSA" },
  };
});

export class World {
  time = START;
  /** Of access tokens, in seconds. */
  lifetime = 900;
  /** Requests that a device made to the provider. */
  requests = { tokens: 0, revocations: 0, keys: 0 };
  online = true;
  /** What goes wrong with each request to the provider, if anything; `{ retryAfter }`: it has too many. */
  fault = undefined;
  devices = [];
  #timers = [];

  constructor(seed) {
    this.random = randomFrom(seed);
    this.provider = new Provider(this);
  }

  later(seconds, run) {
    const timer = { at: this.time + seconds, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass, with whatever was to happen meanwhile. */
  async pass(seconds) {
    const end = this.time + seconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.time = Math.max(this.time, due.at);
      this.#timers = this.#timers.filter((one) => one !== due);
      due.run();
      await settled();
    }
    this.time = end;
    await settled();
  }
}

let steps = 0;
let awaited = 0;

/** More turns than anything here takes to come to rest, by far. */
const MOST_TURNS = 20_000;

/** Everything here is promises: when a turn of the event loop has brought no further step, all has happened that can. */
export async function settled() {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const before = steps;
    await new Promise((resolve) => setImmediate(resolve));
    if (steps === before && awaited === 0) return;
  }
  throw new Error(`no rest after ${MOST_TURNS} turns of the event loop: something goes on for ever`);
}

/** WebCrypto answers from elsewhere: that is waited for, one answer after the other, so that a seed is always the same life. */
export function withWebCrypto() {
  let last = Promise.resolve();
  for (const name of ["encrypt", "decrypt", "importKey"]) {
    const work = crypto.subtle[name].bind(crypto.subtle);
    crypto.subtle[name] = (...parts) => {
      awaited += 1;
      const done = last.then(() => work(...parts));
      last = done
        .catch(() => {})
        .finally(() => {
          awaited -= 1;
          steps += 1;
        });
      return done;
    };
  }
}

/** What a session sees of a PIN, without the arithmetic that makes guessing slow. */
export function quickPin(storage) {
  const held = new HeldKey("pin", () => storage.get("default.pin"));
  const hold = (id) =>
    held.hold(
      id,
      Uint8Array.from({ length: 32 }, (_, at) => id.charCodeAt(at) || 0),
    );
  return {
    kind: "pin",
    get locked() {
      return !held.isHeld;
    },
    seal: (text, record) => held.seal(text, record),
    open: (text, record) => held.open(text, record),
    share: () => held.share(),
    adopt: (key) => held.adopt(key),
    lock: () => held.drop(),
    async setup(id) {
      await storage.set("default.pin", id);
      await hold(id);
    },
    async unlock() {
      const id = await storage.get("default.pin");
      if (id === undefined) throw new ProtectionError("not_set_up", "there is no PIN");
      await hold(id);
    },
    async forget() {
      held.drop();
      await storage.delete("default.pin");
    },
  };
}

/** Strict: a refresh token that comes a second time ends its whole family. */
class Provider {
  signer = 0;
  published = [0];
  families = [];
  /** Whether an access token is given again as long as it is valid. */
  repeats = false;
  #world;

  constructor(world) {
    this.#world = world;
  }

  signIn(user) {
    const family = { user, serial: 0, ended: false, refused: false };
    family.id = this.families.push(family) - 1;
    return this.#answer(family);
  }

  refresh(token) {
    const [id, serial] = token.split(".").map(Number);
    const family = this.families[id];
    if (family.ended || family.serial !== serial) {
      family.reused ||= family.serial !== serial;
      family.ended = true;
      family.refused = true;
      throw new RefreshRejected("invalid_grant", "the refresh token is of no more use");
    }
    family.serial += 1;
    return this.#answer(family);
  }

  revoke(token) {
    this.families[Number(token.split(".")[0])].ended = true;
  }

  honours(token) {
    const [id, serial] = (token ?? "-1.0").split(".").map(Number);
    const family = this.families[id];
    return family !== undefined && !family.ended && family.serial === serial;
  }

  rotate() {
    this.signer = (this.signer + 1) % KEYS.length;
    this.published = [...new Set([this.signer, ...this.published])].slice(0, 2);
  }

  withdraw() {
    this.published = [this.signer];
  }

  jwks() {
    return { keys: this.published.map((index) => KEYS[index].jwk) };
  }

  #answer(family) {
    const iat = Math.floor(this.#world.time);
    const refresh_token = `${family.id}.${family.serial}`;
    const { access_token: last, exp } = family.last ?? {};
    if (this.repeats && exp > iat) return { access_token: last, refresh_token, expires_in: exp - iat };
    const { kid, privateKey } = KEYS[this.signer];
    const claims = {
      iss: ISSUER,
      aud: "app",
      sub: family.user,
      iat,
      exp: iat + this.#world.lifetime,
      jti: `${family.id}.${family.serial}`,
    };
    const text = [{ alg: "EdDSA", kid }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    const access_token = `${text.join(".")}.${sign(null, Buffer.from(text.join(".")), privateKey).toString("base64url")}`;
    family.last = { access_token, exp: claims.exp };
    return { access_token, refresh_token, expires_in: this.#world.lifetime };
  }
}

/** One person's phone: storage, clock and turn-taking that its tabs share. */
export class Device {
  tabs = [];
  values = new Map();
  /** How far its clock is ahead, in seconds. */
  offset = 0;
  refusing = undefined;
  /** What happens after so many more steps of its tabs, in the middle of whatever they do. */
  interruption = undefined;
  /** How what its tabs store is sealed. */
  protect = () => noProtection();
  /** What it learned with each access token: for whoever judges the session from outside. */
  received = new Map();
  #turns = new Map();
  #channels = new Set();

  constructor(world, policy) {
    this.world = world;
    this.policy = policy;
    world.devices.push(this);
  }

  now() {
    return this.world.time + this.offset;
  }

  async open() {
    const tab = this.load();
    this.tabs.push(tab);
    await tab.session.start();
    await settled();
    return tab;
  }

  /** A page that has not started its session yet. */
  load() {
    return new Tab(this);
  }

  interrupt() {
    if (this.interruption === undefined || this.interruption.steps-- > 0) return;
    const { run } = this.interruption;
    this.interruption = undefined;
    run();
  }

  /** Ends a tab as a crash does: nothing that it has begun goes on. */
  kill(tab) {
    tab.dead = true;
    for (const release of tab.releases) release();
    tab.session.stop();
    this.tabs = this.tabs.filter((one) => one !== tab);
  }

  reconnect(how = "online") {
    for (const tab of this.tabs) for (const listener of tab.listeners) listener(how);
  }

  exclusive(tab, name, seconds, work) {
    let isGivenUp = false;
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(() => {
      if (tab.dead || isGivenUp) return undefined;
      const died = new Promise((resolve) => tab.releases.add(resolve));
      return Promise.race([work(), died]);
    });
    this.#turns.set(
      name,
      turn.catch(() => {}),
    );
    const waiting = new Promise((resolve) => {
      const stop = this.world.later(seconds, () => {
        isGivenUp = true;
        resolve(undefined);
      });
      void before.then(stop);
    });
    return tab.live(Promise.race([turn, waiting.then(() => undefined)]));
  }

  channel(tab, listener) {
    const own = { tab, listener };
    this.#channels.add(own);
    return {
      post: (message) => {
        if (tab.dead) return;
        for (const other of this.#channels) {
          if (other !== own && !other.tab.dead)
            queueMicrotask(() => other.tab.whenAwake(() => other.listener(structuredClone(message))));
        }
      },
      close: () => this.#channels.delete(own),
    };
  }
}

export class Tab {
  dead = false;
  frozen = false;
  /** What goes on when it is thawed. */
  waiting = [];
  listeners = new Set();
  /** What lets the next tab have its turn when this one dies. */
  releases = new Set();
  /** After so many more steps to the storage or the provider, the tab dies. */
  fuse = Number.POSITIVE_INFINITY;

  constructor(device) {
    const { world } = device;
    this.device = device;
    const storage = this.storage();
    const bundled = { keys: KEYS.map(({ jwk }) => jwk).slice(0, 1) };
    const now = () => device.now();
    this.keys = createKeyStore({
      verifier: createVerifier({ jwks: bundled, issuer: ISSUER, audience: "app", now }),
      bundled,
      jwksUri: `${ISSUER}/jwks`,
      storage,
      now,
      fetch: () => this.step(() => this.#fetchKeys()),
    });
    this.protection = device.protect(storage);
    this.session = createSession({
      verifier: this.keys,
      provider: this.#provider(),
      policy: device.policy,
      storage,
      protection: this.protection,
      environment: {
        now,
        random: world.random,
        after: (seconds, run) => this.#after(seconds, run),
        online: () => world.online,
        exclusive: (name, seconds, work) => device.exclusive(this, name, seconds, work),
        channel: (_name, listener) => device.channel(this, listener),
        onReconnect: (listener) => {
          this.listeners.add(listener);
          return () => this.listeners.delete(listener);
        },
        caches: undefined,
      },
    });
  }

  /** What never arrives at a dead tab. */
  live(promise) {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.whenAwake(() => resolve(value)),
        (error) => this.whenAwake(() => reject(error)),
      );
    });
  }

  /** A tab that is frozen goes on once it is thawed. */
  whenAwake(run) {
    if (this.dead) return;
    if (this.frozen) this.waiting.push(run);
    else run();
  }

  thaw() {
    this.frozen = false;
    for (const run of this.waiting.splice(0)) run();
  }

  /** One step outside: before and after it the tab may die. */
  step(work) {
    const outside = async () => {
      steps += 1;
      await null;
      if (this.dead) return undefined;
      this.device.interrupt();
      if (this.fuse-- <= 0) return this.device.kill(this);
      const value = await work();
      steps += 1;
      if (this.fuse-- <= 0) this.device.kill(this);
      return value;
    };
    return this.live(outside());
  }

  #after(seconds, run) {
    let isOver = false;
    const stop = this.device.world.later(seconds, () => this.whenAwake(() => isOver || run()));
    return () => {
      isOver = true;
      stop();
    };
  }

  storage() {
    const { device } = this;
    const { values } = device;
    const using = (mode, work) =>
      this.step(() => {
        if (device.refusing === "all" || (device.refusing === "writes" && mode === "write")) {
          throw new StorageError(device.refusing === "all" ? "unavailable" : "full", "the storage refuses");
        }
        return work();
      });
    return {
      get: (key) => using("read", () => values.get(key)),
      set: (key, value) => using("write", () => void values.set(key, value)),
      delete: (key) => using("write", () => void values.delete(key)),
    };
  }

  #provider() {
    const { device } = this;
    const { world } = device;
    const request = (what, work) =>
      this.step(() => {
        const { fault } = world;
        world.requests[what] += 1;
        if (!world.online || fault === "request lost") throw new ProviderUnavailable("network", "no network");
        if (fault === "portal") throw new ProviderUnavailable("not_json", "the page of a captive portal");
        if (fault === "5xx") throw new ProviderUnavailable("http_status", "503", { sent: true, status: 503 });
        if (fault?.retryAfter !== undefined) {
          throw new ProviderUnavailable("http_status", "429", { sent: true, status: 429, ...fault });
        }
        const answer = work();
        if (fault?.late !== undefined) return new Promise((resolve) => world.later(fault.late, () => resolve(answer)));
        if (fault === "answer lost") throw new ProviderUnavailable("network", "the answer was lost");
        return answer;
      });
    return {
      refresh: ({ refresh_token }) =>
        request("tokens", () => {
          const answer = world.provider.refresh(refresh_token);
          if (world.fault !== "answer lost")
            device.received.set(answer.access_token, { at: world.time, offset: device.offset });
          return answer;
        }),
      revoke: ({ refresh_token }) => request("revocations", () => world.provider.revoke(refresh_token)),
    };
  }

  #fetchKeys() {
    const { world } = this.device;
    world.requests.keys += 1;
    if (!world.online || world.fault !== undefined) throw new TypeError("fetch failed");
    return Response.json(world.provider.jwks());
  }
}
