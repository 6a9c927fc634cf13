// Lives behind a PIN: two people, up to three tabs, a storage that is full or cannot be read for a while, and locks that come
// in the middle of whatever is done.
//
//   SCHEDULES=20000 SEED=1 node --test tests/session/pinned.test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";
import { isStored } from "../support/device.mjs";
import { Device, quickPin, settled, World, withWebCrypto } from "./simulated.mjs";

const SCHEDULES = Number(process.env.SCHEDULES ?? 500);
const FIRST_SEED = Number(process.env.SEED ?? 1);
const STEPS = 25;

withWebCrypto();

test(`${SCHEDULES} lives behind a PIN, of ${STEPS} steps, from seed ${FIRST_SEED}`, async () => {
  const counts = {};
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    const life = new Life(seed);
    try {
      await life.run();
    } catch (error) {
      console.log(`seed ${seed}: ${error.message}\n${life.log.join("\n")}`);
      throw error;
    } finally {
      for (const tab of [...life.device.tabs]) life.device.kill(tab);
    }
    for (const [name, count] of Object.entries(life.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  console.log(`  ${JSON.stringify(counts)}`);
  for (const seen of ["refreshed", "adopted", "locked", "signed out", "not yet signed out", "in again", "in memory"]) {
    assert.ok(counts[seen] > 0, `no life has seen "${seen}"`);
  }
});

class Life {
  log = [];
  counts = {};
  /** Who is in, as far as people know: a family of tokens, or nobody. */
  family = undefined;
  /** Whether what only a memory knew was lost with it. */
  lost = false;
  /** Whether a tab has yet to sign out who is stored. */
  owing = false;
  #pins = 0;

  constructor(seed) {
    this.world = new World(seed);
    this.device = new Device(this.world);
    this.device.protect = quickPin;
  }

  async run() {
    const { device, world } = this;
    await device.open();
    await this.#signIn(device.tabs[0], "ada");
    for (let step = 0; step < STEPS; step++) {
      const [name, action] = this.#choose();
      this.log.push(`${world.time} storage ${device.refusing ?? "works"}: ${name}`);
      await action();
      await world.pass(1);
      for (const { session } of device.tabs) this.log.push(`    ${told(session.state)}`);
      this.#check();
    }
    await this.#comeHome();
  }

  #pick(list) {
    return list[Math.floor(this.world.random() * list.length)];
  }

  #choose() {
    const { world, device } = this;
    const tab = () => this.#pick(device.tabs);
    const actions = [
      [4, "time passes", () => world.pass(this.#pick([1, 60, 600, 900, 3600]))],
      [6, "refresh", () => this.#refresh([tab()])],
      [6, "refresh, and something in the middle", () => this.#refresh([tab()], this.#interruption())],
      [3, "all refresh, and something in the middle", () => this.#refresh(device.tabs, this.#interruption())],
      [3, "lock", () => tab().session.lock()],
      [6, "unlock", () => this.#unlock(tab())],
      [3, "sync", () => tab().session.sync()],
      [2, "a tab opens", () => device.tabs.length < 3 && device.open()],
      [2, "a tab reloads", () => this.#reload(tab())],
      [2, "sign out", () => this.#signOut(tab())],
      [4, "sign in", () => this.#signIn(tab(), this.#pick(["ada", "bob"]))],
      [3, "the storage refuses", () => this.#refuse(this.#pick(["writes", "all"]))],
      [4, "the storage works", () => this.#refuse(undefined)],
    ];
    let at = world.random() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, ...action] of actions) {
      at -= weight;
      if (at < 0) return action;
    }
    throw new Error("unreachable");
  }

  #interruption() {
    const { device } = this;
    const [name, run] = this.#pick([
      ["lock", () => this.#pick(device.tabs).session.lock()],
      ["lock and unlock", () => this.#pick(device.tabs).session.lock() ?? this.#unlock(this.#pick(device.tabs))],
      ["unlock", () => void this.#unlock(this.#pick(device.tabs))],
      ["the storage is full", () => this.#refuse("writes")],
      ["the storage cannot be read", () => this.#refuse("all")],
      ["the storage works", () => this.#refuse(undefined)],
    ]);
    return [Math.floor(this.world.random() * 30), name, run];
  }

  async #refresh(tabs, interruption) {
    if (interruption !== undefined) {
      const [steps, name, run] = interruption;
      this.log.push(`    after ${steps} steps: ${name}`);
      this.device.interruption = { steps, run };
    }
    // Whoever waits for the turn of a tab that keeps it is not waited for.
    for (const { session } of tabs) {
      void session.refresh().then((outcome) => {
        this.log.push(`    -> ${outcome}`);
        this.#count(outcome);
      });
    }
    await settled();
    this.device.interruption = undefined;
  }

  /** With the PIN, or a new one where the last sign-out has forgotten it. */
  async #unlock({ session, protection }) {
    await session.unlock().catch(async (error) => {
      this.log.push(`    ! ${error.code}`);
      if (error.code !== "not_set_up") return;
      // Whoever was only in the memory of a tab, behind the old one, is not let in by a new one.
      if (this.device.tabs.some((tab) => tab.session.state.status === "locked")) this.lost = true;
      await protection.setup(`pin ${++this.#pins}`).catch(() => {});
    });
  }

  #refuse(how) {
    this.device.refusing = how;
  }

  /** What is only in memory is in the memory of each tab that is not locked, or of one that was locked just then. */
  async #reload(tab) {
    const { device } = this;
    if (!tab.session.state.persistent || device.refusing !== undefined || this.owing) {
      this.lost = true;
      for (const family of this.world.provider.families) family.lost = true;
    }
    device.kill(tab);
    await device.open();
  }

  async #signIn(tab, user) {
    const { world } = this;
    if (tab.protection.locked) await this.#unlock(tab);
    const tokens = world.provider.signIn(user);
    try {
      await tab.session.signIn(tokens);
    } catch (error) {
      this.log.push(`    ! ${error.code}`);
      return;
    }
    this.log.push(`    -> ${user} ${world.provider.families.length - 1}`);
    this.family = world.provider.families.at(-1);
    this.lost = false;
    this.owing = false;
  }

  /** A tab that does not know who is in the memory of another can only sign out whoever is stored. */
  async #signOut({ session }) {
    const { status } = session.state;
    const statuses = this.device.tabs.map((tab) => tab.session.state.status);
    if (status !== "signed_in" && statuses.some((one) => one !== status)) return;
    try {
      await session.signOut();
      this.#count("signed out");
    } catch (error) {
      this.log.push(`    ! ${error.code}`);
      this.#count("not yet signed out");
      this.owing = true;
      this.family = undefined;
      return;
    }
    this.family = undefined;
    await settled();
    assert.equal(isStored(this.device), false, "something is stored after a sign-out");
  }

  #check() {
    const { device, world } = this;
    for (const { session, protection } of device.tabs) {
      const { status, access, reason, persistent } = session.state;
      const isIn = status === "signed_in";
      assert.equal(session.access().access, access, "the state says something else");
      assert.equal(isIn || access === "none", true, `${status}, and access ${access}`);
      assert.equal(status === "locked", reason === "locked", `${status}, because of ${reason}`);
      assert.equal(isIn && protection.locked, false, "signed in behind a PIN that is locked");
      if (!persistent) this.#count("in memory");
      if (status === "locked") this.#count("locked");
    }
    for (const [id, { reused, lost }] of world.provider.families.entries()) {
      assert.ok(!reused || lost, `a token of family ${id} was used twice`);
    }
  }

  /** When everything works, and is unlocked, all tabs know the same, and that is whoever signed in last. */
  async #comeHome() {
    const { device, world } = this;
    this.log.push("home: everything works again");
    device.refusing = undefined;
    for (const round of ["sync", "unlock", "sync", "sync"]) {
      for (const tab of device.tabs) {
        if (round === "sync") await tab.session.sync();
        else if (tab.session.state.status === "locked") await this.#unlock(tab);
        await settled();
      }
    }
    await world.pass(1800);
    for (const { session } of device.tabs) this.log.push(`    ${told(session.state)} ${session.state.sessionId}`);
    this.#check();
    const [first, ...others] = device.tabs.map(({ session }) => [session.state.sessionId, session.accessToken]);
    for (const other of others) assert.deepEqual(other, first, "the tabs do not agree");
    if (this.lost) return;
    const { claims, access, persistent } = device.tabs[0].session.state;
    assert.deepEqual([claims?.sub, persistent], [this.family?.user, true]);
    if (this.family === undefined) return;
    assert.deepEqual(
      [access, world.provider.honours(`${world.provider.families.indexOf(this.family)}.${this.family.serial}`)],
      ["full", true],
    );
    this.#count("in again");
  }

  #count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

function told({ status, access, reason, claims, persistent, ended = "", error }) {
  const trouble = error === undefined ? "" : `${error.name} ${error.code}`;
  return [status, claims?.sub, access, reason, persistent ? "" : "in memory", ended, trouble]
    .filter(Boolean)
    .join(", ");
}
