// A simulated device on which a storage refuses, hangs and forgets, keys cannot be had, and tabs may not hear each other.
import assert from "node:assert/strict";
import { ProtectionError } from "tokenward/session";
import { StorageError } from "tokenward/storage";
import { Device, quickPin, Tab, World } from "./simulated.mjs";

/** A lease in IndexedDB runs out for those who wait, in seconds. */
const LEASE = 120;

export class HostileWorld extends World {
  timers = 0;

  later(seconds, run) {
    this.timers += 1;
    assert.ok(Number.isFinite(seconds) && seconds >= 0, `a timer of ${seconds} seconds`);
    return super.later(seconds, run);
  }

  /** A wait that is not the session's. */
  quietly(seconds) {
    return new Promise((resolve) => super.later(seconds, resolve));
  }

  /** With a look at what goes on every minute. */
  async pass(seconds) {
    for (let left = seconds; left > 0; left -= 60) {
      await super.pass(Math.min(60, left));
      this.look?.();
    }
  }
}

export class HostileDevice extends Device {
  did = { storage: 0, messages: 0 };
  /** How many seconds a step to the storage takes, before or after it is done. */
  hang = undefined;
  refusesKeys = false;
  leases = new Map();

  constructor(world, traits) {
    super(world);
    this.traits = traits;
    if (traits.pin) this.protect = (storage) => this.#refusing(quickPin(storage));
  }

  load() {
    return new HostileTab(this);
  }

  /** Protection whose keys cannot be had for a while. */
  #refusing(protection) {
    for (const name of ["seal", "open"]) {
      const work = protection[name];
      protection[name] = (...parts) =>
        this.refusesKeys ? Promise.reject(new ProtectionError("unavailable", "the key is refused")) : work(...parts);
    }
    return protection;
  }

  channel(tab, listener) {
    if (!this.traits.channel) return { post() {}, close() {} };
    const channel = super.channel(tab, listener);
    return {
      ...channel,
      post: (message) => {
        this.did.messages += 1;
        channel.post(message);
      },
    };
  }

  exclusive(tab, name, seconds, work) {
    return this.traits.locks
      ? super.exclusive(tab, name, seconds, work)
      : tab.live(this.#underLease(tab, name, seconds, work));
  }

  async #underLease(tab, name, seconds, work) {
    const own = { tab, since: this.world.time };
    const begun = this.world.time;
    for (;;) {
      const lease = this.leases.get(name);
      if (lease === undefined) break;
      // Whoever lives renews it.
      if (!lease.tab.dead && !lease.tab.frozen) lease.since = this.world.time;
      if (this.world.time - lease.since >= LEASE) break;
      if (this.world.time - begun >= seconds) return undefined;
      await this.world.quietly(0.2);
    }
    own.since = this.world.time;
    this.leases.set(name, own);
    try {
      return await work();
    } finally {
      if (this.leases.get(name) === own) this.leases.delete(name);
    }
  }
}

class HostileTab extends Tab {
  refusing = undefined;
  stopped = false;

  storage() {
    const { device } = this;
    const { values } = device;
    const wait = (seconds) => new Promise((resolve) => device.world.later(seconds, resolve));
    const using = (mode, work) =>
      this.step(async () => {
        device.did.storage += 1;
        const { hang } = device;
        if (hang?.before) await wait(hang.before);
        const refusing = this.refusing ?? device.refusing;
        const refuses = refusing === "all" || (refusing === "writes" && mode !== "read") || refusing === mode;
        if (refuses) throw new StorageError(refusing === "all" ? "unavailable" : "full", "the storage refuses");
        const value = work();
        if (hang?.after) await wait(hang.after);
        return value;
      });
    const set = (key, value) => void values.set(key, value);
    return {
      get: (key) => using("read", () => values.get(key)),
      set: (key, value) => using("write", () => set(key, value)),
      delete: (key) => using("delete", () => void values.delete(key)),
      ...(device.traits.atomic && {
        update: (key, change) =>
          using("read", () => {
            const before = values.get(key);
            const next = change(before);
            const refusing = this.refusing ?? device.refusing;
            if (next === before) return;
            if (refusing === "writes" || refusing === "write") throw new StorageError("full", "the storage refuses");
            set(key, next);
          }),
      }),
    };
  }
}
