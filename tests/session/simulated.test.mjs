// A long life: thousands of random schedules of days, with faults of every kind, judged after each step by what is true.
//
//   SCHEDULES=20000 SEED=1 node --test tests/session/simulated.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { Device, settled, World } from "./simulated.mjs";

const SCHEDULES = Number(process.env.SCHEDULES ?? 2000);
const FIRST_SEED = Number(process.env.SEED ?? 1);
const STEPS = 25;

const TOLERANCE = 5;
const GRACE = 86_400;
const CHECK_IN = 7 * 86_400;
/** Clocks that differ by less are taken for equal, and sightings of time are stored in steps. */
const SLACK = 60 + 60 + 30;

test(`${SCHEDULES} lives of ${STEPS} steps, from seed ${FIRST_SEED}`, async () => {
  const counts = {};
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    const life = new Life(seed);
    try {
      await life.run();
    } catch (error) {
      error.message = `seed ${seed}: ${error.message}\n${life.log.join("\n")}`;
      throw error;
    } finally {
      life.end();
    }
    for (const [name, count] of Object.entries(life.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  console.log(`  ${JSON.stringify(counts)}`);
  for (const seen of [
    "full",
    "limited",
    "none",
    "clock_rolled_back",
    "expired",
    "refreshed",
    "signed out by the provider",
  ]) {
    assert.ok(counts[seen] > 0, `no life has seen "${seen}"`);
  }
});

class Life {
  log = [];
  counts = {};
  /** Whether the person is signed in, as far as the person knows. */
  expected = false;
  /** What may lose a session without anybody's fault. */
  lostByDevice = false;
  family = undefined;
  #known = 0;
  #token = undefined;

  constructor(seed) {
    this.world = new World(seed);
    this.device = new Device(this.world);
  }

  async run() {
    await this.device.open();
    await this.#signIn();
    for (let step = 0; step < STEPS; step++) {
      const [name, action] = this.#choose();
      this.log.push(
        `${this.world.time} ${this.world.online ? "online" : "offline"} clock ${this.device.offset}: ${name}`,
      );
      await action();
      await settled();
      for (const { session } of this.device.tabs) this.log.push(`    ${told(session.state)}`);
      this.#check();
    }
    await this.#comeHome();
  }

  end() {
    for (const tab of [...this.device.tabs]) this.device.kill(tab);
  }

  #choose() {
    const { world, device } = this;
    const pick = (list) => list[Math.floor(world.random() * list.length)];
    const tab = () => pick(device.tabs);
    const actions = [
      [8, "time passes", () => world.pass(pick([1, 60, 600, 900, 1200, 3600, 6 * 3600]))],
      [1, "the phone is off for days", () => this.#restart(pick([86_400, 3 * 86_400, 8 * 86_400]))],
      [4, "network goes", () => this.#network(false)],
      [5, "network comes", () => this.#network(true)],
      [3, "refresh", () => void this.#count(tab()?.session.refresh())],
      [2, "two tabs refresh", () => void device.tabs.map((one) => this.#count(one.session.refresh()))],
      [2, "a tab opens", () => device.tabs.length < 3 && device.open()],
      [2, "a tab crashes, another opens", () => this.#crash(tab(), 0)],
      [3, "a tab crashes in the middle", () => this.#crash(tab(), Math.floor(world.random() * 12))],
      [2, "all restart", () => this.#restart()],
      [2, "keys rotate", () => world.provider.rotate()],
      [1, "keys are withdrawn", () => world.provider.withdraw()],
      [2, "clock moves", () => this.#setClock(pick([-86_400, -3600, -30, 30, 3600, 86_400, 10 * 86_400]))],
      [2, "clock is put right", () => this.#setClock(0)],
      [3, "fault", () => this.#fault(pick(["request lost", "answer lost", "portal", "5xx"]))],
      [3, "no fault", () => this.#fault(undefined)],
      [1, "storage refuses", () => this.#refuse(pick(["writes", "all"]))],
      [2, "storage works", () => this.#refuse(undefined)],
      [1, "storage evicted", () => this.#evict()],
      [1, "sign out", () => this.#signOut()],
      [2, "sign in", () => this.expected !== true && this.#signIn()],
    ];
    let at = world.random() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, ...action] of actions) {
      at -= weight;
      if (at < 0) return action;
    }
    throw new Error("unreachable");
  }

  async #signIn() {
    const { world, device } = this;
    if (!world.online || world.fault !== undefined || device.refusing !== undefined) return;
    const tokens = world.provider.signIn("ada");
    const ahead = Math.max(0, device.offset);
    device.received.set(tokens.access_token, { at: world.time, offset: device.offset - ahead, ahead });
    await device.tabs[0].session.signIn(tokens);
    this.expected = true;
    this.lostByDevice = false;
    this.family = world.provider.families.at(-1);
  }

  async #signOut() {
    if (this.expected !== true || this.device.refusing !== undefined) return;
    await this.device.tabs[0].session.signOut();
    this.expected = false;
  }

  #network(online) {
    this.world.online = online;
    if (online) this.device.reconnect();
  }

  #fault(fault) {
    this.world.fault = fault;
  }

  #setClock(offset) {
    this.device.offset = offset;
  }

  #refuse(how) {
    this.device.refusing = how;
  }

  /** What is only in memory goes on there; a restart finds nothing. */
  #evict() {
    this.device.values.clear();
    this.lostByDevice = true;
  }

  async #crash(tab, fuse) {
    const { device } = this;
    if (device.refusing !== undefined) this.#known = Number.NEGATIVE_INFINITY;
    if (tab.session.state.persistent === false || device.refusing !== undefined) this.lostByDevice = true;
    tab.fuse = fuse;
    this.#count(tab.session.refresh());
    await settled();
    if (!tab.dead) device.kill(tab);
    if (device.tabs.length === 0) await device.open();
  }

  async #restart(off = 0) {
    const { device, world } = this;
    // What the storage would not take is not remembered.
    if (device.refusing !== undefined) this.#known = Number.NEGATIVE_INFINITY;
    if (device.refusing !== undefined || device.tabs.some(({ session }) => !session.state.persistent))
      this.lostByDevice = true;
    for (const tab of [...device.tabs]) device.kill(tab);
    await world.pass(off);
    await device.open();
  }

  #count(refreshed) {
    return refreshed?.then((outcome) => {
      this.log.push(`    -> ${outcome}`);
      this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    });
  }

  /** Never more access than the policy allows, never an end without a word. */
  #check() {
    for (const tab of this.device.tabs) {
      const { access, reason } = tab.session.access();
      this.counts[access] = (this.counts[access] ?? 0) + 1;
      this.counts[reason] = (this.counts[reason] ?? 0) + 1;
      if (access === "none") continue;
      assert.notEqual(this.expected, false, "there is access after the sign-out");
      this.#checkTimes(tab, access);
    }
    if (
      this.expected === true &&
      this.device.tabs.every(({ session: { state } }) => state.status === "signed_out" && state.persistent)
    ) {
      const said = this.family.refused;
      assert.ok(said || this.lostByDevice, "signed out, and nobody said so");
      if (said) this.counts["signed out by the provider"] = (this.counts["signed out by the provider"] ?? 0) + 1;
      // A storage that refuses to be told of the end may bring the session back after a restart.
      this.expected = this.device.refusing === undefined ? false : "perhaps";
    }
  }

  /** By what the device knows: its clock since the token came, corrected by what that moment showed. */
  #checkTimes({ session }, access) {
    const token = session.accessToken;
    const received = this.device.received.get(token);
    assert.ok(received, "a token that the provider did not give to this device");
    const { iat, exp } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    if (this.#token !== token) {
      this.#token = token;
      this.#known = iat;
    }
    this.#known = Math.max(this.#known, this.device.now() - received.offset - SLACK);
    if (access === "full") assert.ok(this.#known < exp + TOLERANCE, `full, ${this.#known - exp} s after exp`);
    assert.ok(this.#known < exp + GRACE, `${access}, ${this.#known - exp} s after exp`);
    assert.ok(this.#known < iat + CHECK_IN, `${access}, ${this.#known - iat} s after the check-in`);
  }

  /** With network, storage and time enough, whoever the provider still knows is in again. */
  async #comeHome() {
    const { world, device } = this;
    this.log.push("home: everything works again");
    world.fault = undefined;
    device.refusing = undefined;
    this.#network(true);
    await world.pass(2 * 3600);
    this.#check();
    if (this.expected !== true) return;
    const states = device.tabs.map(({ session }) => session.state);
    for (const state of states) {
      assert.ok(state.status === "signed_in" && state.access === "full", `not in again: ${told(state)}`);
    }
    this.counts["in again"] = (this.counts["in again"] ?? 0) + 1;
  }
}

function told({ status, access, reason, persistent, ended = "", error }) {
  const trouble = error === undefined ? "" : `${error.name} ${error.code}`;
  return [status, access, reason, persistent ? "" : "in memory", ended, trouble].filter(Boolean).join(", ");
}
