// One life of a hostile device: acts by chance, and after each what must hold all the same (`#check`, `#comeHome`).
import assert from "node:assert/strict";
import { HostileDevice, HostileWorld } from "./hostile-device.mjs";
import { settled } from "./simulated.mjs";

const TOLERANCE = 5;
const GRACE = 86_400;
const CHECK_IN = 7 * 86_400;
const SLACK = 150;
/** What one act may bring at most, beside what time brings: steps to the storage, messages, timers, requests. */
const MOST = { storage: 700, messages: 200, timers: 400, tokens: 14, keys: 14, revocations: 40 };
const MORE_A_MINUTE = { storage: 150, messages: 30, timers: 300, tokens: 3, keys: 3, revocations: 10 };
const MOST_CHANGES = 500;
/** An answer after so many seconds counts as lost. */
const ANSWER_LIMIT = 41;

/** What listeners throw, which nobody need catch. */
export const THROWN = "a listener that throws";

export class Life {
  log = [];
  counts = {};
  most = {};
  /** Sessions that are over: by a sign-out, since which step, and for which tabs without looking. */
  over = new Map();
  /** Whose each session is. */
  users = new Map();
  /** What must be true of who is in: a family, `null` for nobody, `undefined` if that is anybody's guess. */
  expected = null;
  #acts = new Set();
  #promises = new Set();
  #actsBegun = 0;
  #pins = 0;
  #known = new Map();
  #until = performance.now() + 180_000;
  #step = 0;
  #steps;
  #copies = [];

  constructor(seed, steps) {
    this.#steps = steps;
    this.world = new HostileWorld(seed);
    // Ids decide between acts of one moment: a seed is always the same life.
    crypto.getRandomValues = (bytes) => bytes.map((_, at) => (bytes[at] = Math.floor(this.world.random() * 256)));
    const has = (chance) => this.world.random() < chance;
    this.traits = {
      pin: has(0.4),
      channel: has(0.7),
      locks: has(0.7),
      atomic: has(0.7),
      kills: has(0.4),
      stops: has(0.5),
      refusals: has(0.4),
      hangs: has(0.3),
      losses: has(0.2),
      copies: has(0.1),
      frost: has(0.3),
      clock: has(0.3),
      faults: has(0.5),
      listeners: has(0.5),
      keys: has(0.3),
    };
    this.about = Object.keys(this.traits)
      .filter((name) => this.traits[name])
      .join(" ");
    this.device = new HostileDevice(this.world, this.traits);
    this.device.received = new Map();
  }

  async run() {
    const { device, world } = this;
    await this.#open();
    await this.#signIn(device.tabs[0], "ada");
    for (this.#step = 1; this.#step <= this.#steps; this.#step++) {
      const [name, action] = this.#choose();
      const at = [world.time, world.online ? "" : "offline", device.offset ? `clock ${device.offset}` : ""];
      this.log.push(`${at.filter(Boolean).join(" ")}: ${name}`);
      await this.#within(action);
      this.#tellStates();
      this.#check();
    }
    await this.#comeHome();
  }

  #tellStates() {
    for (const [at, tab] of this.device.tabs.entries())
      this.log.push(
        `    ${at}${tab.frozen ? " frozen" : ""}${tab.stopped ? " stopped" : ""}: ${told(tab.session.state)}`,
      );
  }

  /** What an act brings is bounded. */
  async #within(action) {
    const { world, device } = this;
    this.changes = 0;
    this.begun = world.time;
    const before = { ...device.did, timers: world.timers, ...world.requests };
    const { time } = world;
    world.look = () => {
      const after = { ...device.did, timers: world.timers, ...world.requests };
      const minutes = (world.time - time) / 60;
      for (const [name, most] of Object.entries(MOST)) {
        const did = after[name] - before[name];
        const share = did / (most + minutes * MORE_A_MINUTE[name]);
        this.most[name] = Math.max(this.most[name] ?? 0, Math.round(share * 100) / 100);
        if (share > 1) this.#fail(new Error(`${did} ${name} within ${minutes} minutes`));
      }
      if (performance.now() > this.#until) this.#fail(new Error("a life that goes on and on"));
      if (this.failure) throw this.failure;
    };
    await action();
    await settled();
    // A turn takes longer where it is a lease.
    await world.pass(this.traits.locks ? 1 : 8);
  }

  #fail(error) {
    this.failure ??= error;
  }

  #pick(list) {
    return list[Math.floor(this.world.random() * list.length)];
  }

  #choose() {
    const { world, device, traits } = this;
    const tab = () => this.#pick(device.tabs);
    const running = () => this.#pick(device.tabs.filter(({ stopped }) => !stopped)) ?? device.tabs[0];
    const actions = [
      [8, "time passes", () => world.pass(this.#pick([1, 10, 60, 600, 900, 3600]))],
      [1, "a long time passes", () => world.pass(this.#pick([6 * 3600, 86_400]))],
      [6, "refresh", () => this.#refresh(running())],
      [3, "all refresh", () => device.tabs.map((one) => this.#refresh(one))],
      [4, "sign in", () => this.#signIn(running(), this.#pick(["ada", "bob"]))],
      [2, "two people sign in at once", () => both(this.#signIn(tab(), "ada"), this.#signIn(tab(), "bob"))],
      [3, "sign out", () => this.#signOut(running())],
      [2, "sign out while another refreshes", () => both(this.#refresh(tab()), this.#signOut(running()))],
      [2, "refresh while somebody signs in", () => both(this.#signIn(running(), "bob"), this.#refresh(tab()))],
      [3, "sync", () => this.#sync(tab())],
      [2, "a tab opens", () => device.tabs.length < 3 && this.#open()],
      [2, "visible", () => device.reconnect("visible")],
      [2, "network", () => this.#network(!world.online)],
      [1, "keys rotate", () => world.provider.rotate()],
      [1, "keys are withdrawn", () => world.provider.withdraw()],
      [traits.pin && 3, "lock", () => tab().session.lock()],
      [traits.pin && 6, "unlock", () => this.#unlock(tab())],
      [traits.kills && 2, "a tab is killed", () => this.#kill(tab())],
      [traits.kills && 3, "a tab dies in the middle", () => this.#dieLater(tab())],
      [traits.stops && 1, "stop", () => this.#stop(tab())],
      [traits.stops && 2, "stop in the middle", () => this.#inTheMiddle("stop", () => this.#stop(tab()))],
      [traits.refusals && 3, "the storage refuses", () => this.#refuse(device)],
      [traits.refusals && 2, "the storage refuses a tab", () => this.#refuse(tab())],
      [
        traits.refusals && 2,
        "the storage refuses, in the middle",
        () => this.#inTheMiddle("refuse", () => this.#refuse(this.#pick([device, tab()]))),
      ],
      [traits.refusals && 4, "the storage works", () => this.#storageWorks()],
      [traits.hangs && 3, "the storage hangs", () => this.#hang()],
      [traits.hangs && 3, "the storage hangs no more", () => this.#hang(null)],
      [traits.losses && 1, "all is lost", () => this.#lose([...device.values.keys()])],
      [traits.losses && 1, "one is lost", () => this.#lose([this.#pick([...device.values.keys()])])],
      [traits.copies && 2, "a copy is made", () => void this.#copies.push(new Map(device.values))],
      [traits.copies && 2, "a copy is put back", () => this.#putBack()],
      [traits.frost && 2, "freeze", () => this.#freeze(tab())],
      [traits.frost && 2, "freeze in the middle", () => this.#inTheMiddle("freeze", () => this.#freeze(tab()))],
      [traits.frost && 4, "thaw", () => this.#thaw(tab())],
      [traits.clock && 2, "clock", () => this.#setClock(this.#pick([-86_400, -3600, -30, 30, 3600, 86_400]))],
      [traits.clock && 2, "clock is right", () => this.#setClock(0)],
      [traits.faults && 4, "fault", () => this.#fault(this.#pick(FAULTS))],
      [traits.faults && 4, "no fault", () => this.#fault(undefined)],
      [traits.keys && traits.pin && 1, "keys are refused", () => this.#refuseKeys(true)],
      [traits.keys && traits.pin && 2, "keys are there", () => this.#refuseKeys(false)],
    ];
    let at = world.random() * actions.reduce((sum, [weight]) => sum + Number(weight), 0);
    for (const [weight, ...action] of actions) {
      at -= Number(weight);
      if (at < 0) return action;
    }
    throw new Error("unreachable");
  }

  /** Whatever comes from the session settles, and fails with an error that says what it is. */
  #track(what, promise) {
    const one = { what, promise };
    this.#promises.add(one);
    return promise.then(
      (value) => {
        this.#promises.delete(one);
        return { value };
      },
      (error) => {
        this.#promises.delete(one);
        this.log.push(`    ! ${what}: ${error?.name} ${error?.code}`);
        if (typeof error?.code !== "string") this.#fail(new Error(`${what} failed with ${error?.stack}`));
        return { error };
      },
    );
  }

  async #open() {
    const { device } = this;
    const tab = device.load();
    tab.opened = this.#step;
    device.tabs.push(tab);
    if (this.traits.listeners) this.#listen(tab);
    void this.#track("start", tab.session.start());
    await settled();
    return tab;
  }

  #listen(tab) {
    const { session } = tab;
    const kind = this.#pick(["none", "throws", "asks", "refreshes", "syncs", "signs out", "stops", "signs in"]);
    let left = 3;
    session.addEventListener("change", () => {
      if (tab.dead) return;
      // Whoever calls back at each change is not to bring about another one each time.
      const most = MOST_CHANGES + ((this.world.time - this.begun) / 60) * 4;
      if (++this.changes > most) {
        this.log.push(`    ${kind}: ${told(session.state)} ${session.state.until} ${session.state.error?.message}`);
        this.#fail(new Error("changes without end"));
        if (this.changes > most + 6) return;
      }
      if (kind === "throws") throw new Error(THROWN);
      if (kind === "asks") session.access();
      if (kind === "syncs") this.#sync(tab);
      if (left-- <= 0) return;
      if (kind === "refreshes") this.#refresh(tab);
      if (kind === "signs out" && left === 1) this.#signOut(tab);
      if (kind === "stops" && left === 0) this.#stop(tab);
      if (kind === "signs in" && session.state.status === "signed_out") void this.#signIn(tab, "bob");
    });
    this.log.push(`    listener: ${kind}`);
  }

  #refresh(tab) {
    void this.#track("refresh", tab.session.refresh()).then(({ value }) => {
      this.log.push(`    -> ${this.device.tabs.indexOf(tab)} ${value}`);
      this.#count(value);
    });
  }

  #sync(tab) {
    const step = this.#step;
    const works = () => this.device.refusing === undefined && tab.refusing === undefined && !this.device.hang;
    const couldRead = works();
    void this.#track("sync", tab.session.sync()).then(() => {
      if (couldRead && works()) tab.synced = step;
    });
  }

  /** Two acts at once are in no order that anybody could know. */
  #begin(act) {
    const isAlone = this.#acts.size === 0 && this.#isCalm();
    this.#acts.add(act);
    const number = ++this.#actsBegun;
    if (!isAlone) this.expected = undefined;
    return {
      isAlone: () => isAlone && number === this.#actsBegun && this.#isCalm(),
      end: () => this.#acts.delete(act),
    };
  }

  #isCalm() {
    const { device } = this;
    const isOdd = ({ frozen, refusing }) => frozen || refusing !== undefined;
    return (
      device.refusing === undefined &&
      !device.hang &&
      !device.refusesKeys &&
      !device.tabs.some(isOdd) &&
      device.offset === 0
    );
  }

  async #signIn(tab, user) {
    const { world, device } = this;
    if (this.traits.pin && tab.protection.locked) await this.#unlock(tab);
    if (this.#isLocked()) this.expected = undefined;
    const family = world.provider.families.length;
    const act = this.#begin("in");
    const tokens = world.provider.signIn(user);
    world.provider.families[family].excused =
      isLossy(world.fault) || (device.hang && (!this.traits.atomic || isLong(device.hang)));
    this.log.push(`    ${device.tabs.indexOf(tab)} ${user} ${family}`);
    device.received.set(tokens.access_token, { at: world.time, offset: device.offset });
    void this.#track("sign-in", tab.session.signIn(tokens)).then(({ value, error }) => {
      this.log.push(`    -> ${device.tabs.indexOf(tab)} ${user} ${error ? error.code : "is in"}`);
      act.end();
      if (error !== undefined) {
        if (!act.isAlone()) this.expected = undefined;
        return;
      }
      if (value.sessionId !== undefined) this.over.delete(value.sessionId);
      this.expected = act.isAlone() && !tab.stopped ? world.provider.families[family] : undefined;
      this.#count("signed in");
    });
    await settled();
  }

  #signOut(tab) {
    const { device } = this;
    const wasSignInPending = this.#acts.has("in");
    const begun = this.#actsBegun + 1;
    const step = this.#step;
    const act = this.#begin("out");
    const ids = new Set([tab.session.state.sessionId, this.#storedId(tab)].filter((id) => id !== undefined));
    this.log.push(`    ${device.tabs.indexOf(tab)} signs out`);
    void this.#track("sign-out", tab.session.signOut()).then(({ error }) => {
      this.log.push(`    -> ${device.tabs.indexOf(tab)} out ${error?.code ?? ""}`);
      act.end();
      this.expected = error === undefined && act.isAlone() ? null : undefined;
      if (wasSignInPending || begun !== this.#actsBegun) return;
      for (const id of ids) this.over.set(id, { step, tab, isKept: error === undefined });
      this.#count(error === undefined ? "signed out" : "not yet signed out");
    });
  }

  /** Who is stored, if this tab can read it. */
  #storedId(tab) {
    const { device } = this;
    if ((tab.refusing ?? device.refusing) === "all" || (tab.refusing ?? device.refusing) === "read" || device.hang)
      return undefined;
    return JSON.parse(device.values.get("default.session") ?? "{}").record?.id;
  }

  #isLocked() {
    return this.device.tabs.some(({ session }) => session.state.status === "locked");
  }

  async #unlock(tab) {
    const { error } = await Promise.race([this.#track("unlock", tab.session.unlock()), settled().then(() => ({}))]);
    if (error?.code !== "not_set_up") return;
    if (this.#isLocked()) this.#loseSome();
    await Promise.race([tab.protection.setup(`pin ${++this.#pins}`).catch(() => {}), settled()]);
  }

  /** What was only in a memory is gone, or somebody has put back what it was: tokens may come twice. */
  #loseSome() {
    this.expected = undefined;
    for (const family of this.world.provider.families) family.excused = true;
  }

  get #isAtRisk() {
    const { device } = this;
    const isBusy = [...this.#promises].some(({ what }) => what !== "sync");
    return (
      device.refusing !== undefined ||
      device.hang ||
      device.tabs.some((tab) => tab.refusing !== undefined) ||
      !this.#isStored() ||
      isBusy
    );
  }

  #isStored() {
    return this.device.tabs.every(({ session }) => session.state.persistent);
  }

  async #kill(tab) {
    if (this.#isAtRisk || this.device.inFlight) this.#loseSome();
    this.device.kill(tab);
    if (this.device.tabs.length === 0) await this.#open();
  }

  async #dieLater(tab) {
    this.#loseSome();
    tab.fuse = Math.floor(this.world.random() * 12);
    this.#refresh(tab);
    await settled();
    this.#forget(tab);
    if (!tab.dead) this.device.kill(tab);
    if (this.device.tabs.length === 0) await this.#open();
  }

  /** What a dead tab was asked stays without an answer. */
  #forget() {
    for (const one of this.#promises) if (one.tab?.dead) this.#promises.delete(one);
  }

  #stop(tab) {
    // What only it knows is lost with it, and so is an answer that it can neither store nor hand on.
    if (this.#isAtRisk && this.traits.refusals) this.#loseSome();
    if (this.#isAtRisk && this.traits.hangs) this.#loseSome();
    if (!tab.session.state.persistent) this.#loseSome();
    if (this.#acts.size > 0) this.expected = undefined;
    tab.stopped = true;
    this.log.push(`    ${this.device.tabs.indexOf(tab)} is stopped`);
    tab.session.stop();
    if (this.device.tabs.every(({ stopped }) => stopped) && this.device.tabs.length < 4) void this.#open();
  }

  async #inTheMiddle(name, run) {
    const { device, world } = this;
    const steps = Math.floor(world.random() * 30);
    device.interruption = {
      steps,
      run: () => {
        this.log.push(`    after ${steps} steps: ${name}`);
        run();
      },
    };
    const tab = this.#pick(device.tabs);
    const what = this.#pick(["refresh", "sign in", "sign out"]);
    this.log.push(`    ${device.tabs.indexOf(tab)} ${what}`);
    if (what === "refresh") this.#refresh(tab);
    if (what === "sign in") await this.#signIn(tab, "ada");
    if (what === "sign out") this.#signOut(tab);
    await settled();
    device.interruption = undefined;
  }

  #refuse(who) {
    who.refusing = this.#pick(["all", "writes", "write", "delete"]);
    this.log.push(`    refuses ${who.refusing}`);
    if (this.#acts.size > 0) this.expected = undefined;
    if (this.device.tabs.some(({ stopped }) => stopped)) this.#loseSome();
  }

  #storageWorks() {
    const { device } = this;
    for (const one of [device, ...device.tabs]) one.refusing = undefined;
  }

  #hang(
    hang = this.#pick([{ before: 3 }, { before: 8 }, { after: 8 }, { before: 70 }, { after: 70 }, { before: 600 }]),
  ) {
    this.device.hang = hang;
    // What a hanging tab writes without a transaction may undo what others have written.
    if (!this.traits.atomic) this.#loseSome();
    if (hang && isLong(hang)) this.#loseSome();
  }

  #lose(keys) {
    this.log.push(`    ${keys}`);
    for (const key of keys) this.device.values.delete(key);
    if (keys.length > 0) this.expected = undefined;
  }

  #putBack() {
    const copy = this.#pick(this.#copies);
    if (copy === undefined) return;
    const { values } = this.device;
    values.clear();
    for (const [key, value] of copy) values.set(key, value);
    this.isTampered = true;
    this.#loseSome();
  }

  #freeze(tab) {
    if (this.#acts.size > 0) this.expected = undefined;
    tab.frozen = true;
    tab.frozenAt = this.world.time;
    this.log.push(`    ${this.device.tabs.indexOf(tab)} is frozen`);
  }

  #thaw(tab) {
    if (!tab.frozen) return;
    if (this.world.time - tab.frozenAt > 5) this.#loseSome();
    tab.thaw();
  }

  #setClock(offset) {
    this.device.offset = offset;
    this.expected = undefined;
  }

  #refuseKeys(refuses) {
    this.device.refusesKeys = refuses;
  }

  #network(online) {
    this.world.online = online;
    if (online) this.device.reconnect();
  }

  #fault(fault) {
    this.world.fault = fault;
    this.log.push(`    ${JSON.stringify(fault)}`);
    if (isLossy(fault)) this.#loseSome();
  }

  #check() {
    const { device, world, traits } = this;
    if (this.failure) throw this.failure;
    for (const [at, tab] of device.tabs.entries()) {
      if (tab.frozen) continue;
      const { session, protection } = tab;
      const { access } = session.access();
      const { status, reason, claims, sessionId } = session.state;
      // While the storage hangs, what is under way is not told yet; when the clock is set, timers do not know it yet.
      if (!tab.stopped && !traits.hangs) {
        if (!traits.clock) assert.equal(access, session.state.access, "the state says something else");
        assert.ok(status === "signed_in" || access === "none", `${status}, and access ${access}`);
        assert.equal(status === "locked", reason === "locked", `${status}, because of ${reason}`);
        assert.ok(!(status === "signed_in" && protection.locked), "signed in behind a lock");
      }
      const token = session.accessToken;
      assert.equal(token === undefined, access === "none");
      this.#count(access);
      this.#count(reason);
      if (status === "signed_in" && sessionId !== undefined && claims !== undefined && !tab.stopped) {
        assert.equal(this.users.get(sessionId) ?? claims.sub, claims.sub, "somebody else's session");
        this.users.set(sessionId, claims.sub);
      }
      if (token === undefined) continue;
      const sub = payload(token).sub;
      if (!tab.stopped && !traits.hangs) assert.equal(sub, claims.sub);
      this.#checkTimes(token, access);
      if (tab.stopped) continue;
      const over = this.isTampered ? undefined : this.over.get(sessionId);
      if (over === undefined) continue;
      const knows = over.tab === tab || (over.isKept && (tab.opened > over.step || tab.synced > over.step));
      const hears =
        this.traits.channel &&
        over.isKept &&
        !this.traits.hangs &&
        !over.tab.stopped &&
        !traits.frost &&
        (traits.locks || !traits.kills);
      assert.ok(!knows && !hears, `tab ${at} shows a session that was signed out`);
    }
    if (this.traits.pin)
      for (const [key, text] of device.values) assert.doesNotMatch(text, /access_token/, `${key} is in clear`);
    for (const [id, { reused, excused }] of world.provider.families.entries()) {
      assert.ok(!reused || excused, `a token of family ${id} was used twice`);
      if (reused && this.expected === world.provider.families[id]) this.expected = undefined;
    }
    this.#forget();
  }

  /** Never more than the policy allows, by what the device can know of time. */
  #checkTimes(token, access) {
    const { device } = this;
    const received = device.received.get(token);
    assert.ok(received, "a token that the provider did not give to this device");
    if (this.isTampered) return;
    const { iat, exp } = payload(token);
    // A clock that nobody sets is the time.
    const now = this.traits.clock ? device.now() - received.offset - SLACK : device.now();
    const known =
      this.traits.clock &&
      !this.traits.kills &&
      !this.traits.losses &&
      !this.traits.stops &&
      !this.traits.refusals &&
      !this.traits.hangs &&
      !this.traits.frost
        ? Math.max(this.#known.get(token) ?? iat, now)
        : now;
    this.#known.set(token, known);
    if (access === "full") assert.ok(known < exp + TOLERANCE, `full, ${known - exp} s after exp`);
    assert.ok(known < exp + GRACE, `${access}, ${known - exp} s after exp`);
    assert.ok(known < iat + CHECK_IN, `${access}, ${known - iat} s after the check-in`);
  }

  /** When everything works again, all that was asked is answered, and all tabs agree. */
  async #comeHome() {
    const { world, device } = this;
    this.log.push("home: everything works again");
    this.#storageWorks();
    this.#fault(undefined);
    Object.assign(device, { hang: undefined, refusesKeys: false, offset: 0 });
    for (const tab of device.tabs) this.#thaw(tab);
    this.#network(true);
    await this.#within(() => world.pass(1200));
    for (const round of ["sync", "unlock", "sync", "sync"]) {
      for (const tab of device.tabs) {
        if (round === "sync") await this.#within(() => this.#sync(tab));
        else if (tab.session.state.status === "locked") await this.#within(() => this.#unlock(tab));
      }
    }
    await this.#within(() => world.pass(2 * 3600));
    for (const tab of device.tabs) await this.#within(() => this.#sync(tab));
    this.#tellStates();
    this.#check();
    const open = [...this.#promises].filter(({ tab }) => !tab?.dead).map(({ what }) => what);
    if (!this.traits.kills) assert.deepEqual(open, [], "what was asked has no answer");
    const running = device.tabs.filter(({ stopped }) => !stopped);
    const [first, ...others] = running.map(({ session }) => [session.state.sessionId, session.accessToken]);
    for (const other of others) assert.deepEqual(other, first, "the tabs do not agree");
    if (first === undefined || this.expected === undefined || this.isTampered) return;
    const { claims, access, persistent } = running[0].session.state;
    assert.deepEqual([claims?.sub, persistent], [this.expected?.user, true], "somebody else is in, or nobody");
    if (this.expected === null) return;
    assert.equal(access, "full");
    this.#count("in again");
  }

  #count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

const FAULTS = [
  "request lost",
  "answer lost",
  "portal",
  "5xx",
  { retryAfter: 30 },
  { retryAfter: 86_400 },
  { late: 20 },
  { late: 45 },
  { late: 300 },
];

/** Both have been begun, and nobody waits for them. */
function both(..._begun) {}

function isLossy(fault) {
  return fault === "answer lost" || fault?.late > ANSWER_LIMIT;
}

function isLong({ before, after }) {
  return (before ?? after) > 60;
}

function payload(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

function told({ status, access, reason, claims, persistent, ended = "", error, sessionId = "" }) {
  const trouble = error === undefined ? "" : `${error.name} ${error.code}`;
  const parts = [
    status,
    claims && `${claims.sub} ${claims.jti}`,
    access,
    reason,
    persistent ? "" : "in memory",
    ended,
    trouble,
  ];
  return [...parts, sessionId.slice(0, 4)].filter(Boolean).join(", ");
}
