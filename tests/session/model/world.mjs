/**
 * The world that the explorer walks through: tabs, one storage, one provider, messages, turns, a clock. What a tab knows and does
 * with it is the session's own code, `js/session/record.ts` and `rules.ts`; only what is around it is made here. `CHOICES` are what
 * the code around the rules decides (`replica.ts`, `refresh.ts`): each may be broken on purpose.
 */
import * as record from "../../../pkg/esm/session/record.js";
import * as rules from "../../../pkg/esm/session/rules.js";
import { eventsOf } from "./events.mjs";
import { propertiesOf } from "./properties.mjs";
import { canonical, FRESH, initial, intern, internRecord, LOSS, sessionOf, shows } from "./state.mjs";

/** The session's own code. A mutant has another, see `mutants.mjs`. */
export const CODE = { ...record, ...rules };

export const CHOICES = {
  lock: true, // one refresh turn at a time
  reserve: true, // the intent is written before a token is spent
  keepTurn: true, // who knows more than the storage queues for the refresh turn and keeps it, until that is stored or over
  store: "locked", // how a turn at the storage is kept: "locked" (nobody breaks in), "split" (read, later write), "tx" (merge in one transaction)
  outUpTo: "known", // a sign-out that could read ends up to what is "known", or to the "clock"
  reread: true, // a rejection ends only what is still current
  turnKey: true, // a turn keeps the key it began with
  turnIds: -1, // turns of one number are told apart by a random id: 1 or -1, as chance has it; 0: they are not
  removeIfRefused: true, // a sign-out that cannot be written deletes the value
  tellsLate: true, // who writes late what the storage had refused tells the others
  mayLoseToClock: true, // not a choice but what is accepted: a blind act and a clock set back may sign everybody out
};

/**
 * `code`: the session's own, or a mutant of it; `choices`: see {@link CHOICES}. `provider`: "strict", or one with "grace" for a token
 * that was spent before. `messages`: "late" ones come whenever, or never; "prompt" ones at once, to whoever does not sleep.
 */
export function makeWorld({
  tabs,
  budget,
  choices = {},
  code: given,
  provider = "strict",
  messages = "late",
  cap = 2,
  ties = false,
  reserveHolds = true,
  clock,
}) {
  const code = given ?? CODE;
  const R = { ...CHOICES, ...choices };
  const cfg = { R, provider, messages, cap, ties, reserveHolds };
  const { compare, covers, end, ended, EVERY_ID, greatest, isOpen, knowsMore, nextTurn, reserved } = code;
  const stats = new Map();
  const count = (what) => stats.set(what, (stats.get(what) ?? 0) + 1);

  // ---- doors -------------------------------------------------------------------------------------------------

  const known = (t) => ({ replica: t.m, keep: t.keep, blindSince: t.bo });
  function know(t, { replica, keep, blindSince }) {
    t.m = intern(replica);
    t.keep = keep;
    t.bo = blindSince;
  }

  /** Reads the storage. Whether it could. */
  function look(x, t) {
    if (t.cut) return false;
    know(t, code.look(known(t), x.S.v, x.c));
    t.gap = 0;
    return true;
  }

  function mayWrite(x, t) {
    if (t.cut || !x.S.full) return !t.cut;
    return cfg.reserveHolds && x.S.v !== null && x.S.v.record !== null && isOpen(x.S.v.record);
  }

  /** Writes what is known, if that is news. Whether it is in the storage then. */
  function write(x, t) {
    if (t.cut) return false;
    const next = code.toStore(known(t), x.S.v, x.E + 1);
    know(t, code.refused(known(t), x.S.v));
    if (next === null) return true;
    if (!mayWrite(x, t)) return false;
    if (R.store !== "locked") {
      t.pend = 1;
      return false;
    }
    return put(x, t, next);
  }

  function put(x, t, next) {
    if (x.S.v === null) x.E++;
    know(t, code.written(known(t), next));
    x.S.v = intern(next);
    for (const g of x.G) if (g.out === 1 && covers(x.S.v.ended, g)) g.out = 2;
    return true;
  }

  /** Posted once it is known whether the storage has it. */
  function post(x, from) {
    const { m, keep, pend } = x.T[from];
    if (pend) return;
    const stored = m.record !== null && !keep ? 1 : 0;
    x.T.forEach((t, to) => {
      if (to === from) return;
      if (cfg.messages === "prompt" && !t.slp) hear(x, to, m, stored);
      else if (cfg.messages !== "none" && !t.inb.some((other) => other.m === m && other.stored === stored))
        t.inb = [...t.inb, { m, stored }].slice(-cfg.cap);
    });
  }

  function hear(x, to, m, stored) {
    const t = x.T[to];
    const shown = shows(t);
    const before = known(t);
    const isSighted = look(x, t);
    const told = { replica: m, stored: stored === 1 };
    const storedEpoch = x.S.v?.epoch ?? null;
    know(t, code.hear(known(t), told, { isSighted, storedEpoch, before, now: x.c }));
    const { v } = x.S;
    if (isSighted) write(x, t);
    came(x, t, shown, isSighted);
    if (knowsMore(known(t), told) || x.S.v !== v) post(x, to);
  }

  /** Whether this brought back somebody who was signed out and of whom the storage says so. */
  function came(x, t, before, isSighted) {
    const now = shows(t);
    if (isSighted && now >= 0 && now !== before && x.G[now].out === 2 && !x.G[now].free)
      x.bad ??= `S${now + 1} was signed out, and comes back`;
  }

  /** A turn at the storage: read, merge, write, and tell what was news to it. */
  function sync(x, at) {
    const t = x.T[at];
    const before = shows(t);
    if (!look(x, t)) return;
    const { v } = x.S;
    write(x, t);
    came(x, t, before, true);
    if (R.tellsLate && x.S.v !== v) post(x, at);
  }

  // ---- what an app calls -------------------------------------------------------------------------------------

  /** `kind`: somebody new, with a greater or a smaller id, or the person who is known here again. */
  function signIn(x, at, kind) {
    const t = x.T[at];
    const isSighted = look(x, t);
    const s = x.G.length;
    const stored = sessionOf(x.S.v?.record ?? null);
    if (kind === "again" && t.m.record === null) return false;
    const signIn = code.signInNumber(known(t), x.c);
    const id = kind === "again" ? t.m.record.id : kind === "smaller" ? `a${9 - s}` : `b${s}`;
    const record = { signIn, id, generation: 0, turn: 0, turnId: `${s}`, intent: 0, at: x.c, k: 0, s };
    know(t, code.signedIn(known(t), record, isSighted, x.c));
    if (!isSighted) x.blind = 1;
    // Within one reading of the clock, what tabs do that know nothing of one another has no order: either may win.
    const isTied = x.bc === x.c || x.G.some((g) => g.signIn === signIn);
    // So it is for numbers that a clock set back has turned round: the greater one wins.
    x.G.forEach((g, i) => {
      if (g.out || g.rej) return;
      if (g.signIn >= signIn || x.T.some((o) => o !== t && o.pend && shows(o) === i)) g.free = 1;
      else g.out = 1;
    });
    x.G.push({ signIn, id, at: x.c, out: 0, rej: 0, free: isTied ? 1 : 0, sp: 0, lost: [] });
    x.P.push({ cur: 0, used: 0, dead: 0, x: -1, why: 0 });
    if (!write(x, t) && stored >= 0 && x.S.v?.record?.id !== id) removeRefused(x, t, isSighted, (g) => g.out === 1);
    post(x, at);
    return true;
  }

  function signOut(x, at) {
    const t = x.T[at];
    const stored = sessionOf(x.S.v?.record ?? null);
    const held = shows(t);
    const isSighted = look(x, t);
    // Who cannot read means everybody up to now; within one reading of the clock that has no order.
    x.G.forEach((g, s) => {
      if (g.rej || g.out > 0 || !(isSighted ? [stored, held, shows(t)].includes(s) : true)) return;
      if (!isSighted && s !== held && (g.at === x.c || (g.signIn > x.c && s !== stored))) g.free = 1;
      else g.out = 1;
    });
    if (!isSighted) [x.bc, x.blind] = [x.c, 1];
    if (R.outUpTo === "known") know(t, code.signedOut(known(t), isSighted, x.c));
    else {
      const now = { signIn: Math.max(x.c, greatest(t.m)), id: EVERY_ID, cause: "signed_out" };
      know(t, { ...known(t), replica: end(t.m, now), ...(!isSighted && { blindSince: x.c }) });
    }
    if (!write(x, t)) removeRefused(x, t, isSighted, (g) => g.out === 1);
    post(x, at);
  }

  /** A storage that refuses the word of an end may still delete what that was about. */
  function removeRefused(x, t, isSighted, isMeant) {
    if (!isSighted || R.store !== "locked" || !R.removeIfRefused || x.S.v === null) return;
    x.S.v = null;
    know(t, code.emptied(known(t)));
    for (const g of x.G) {
      if (isMeant(g)) g.out = 2;
      else if (g.out === 0) g.free = 1;
    }
  }

  // ---- a refresh turn ----------------------------------------------------------------------------------------

  const isGood = (x, r) => r.k > x.P[sessionOf(r)].x;

  /** Take the turn, read and merge, write the intent. */
  function begin(x, at) {
    const t = x.T[at];
    const before = t.m.record;
    const isSighted = look(x, t);
    const r = t.m.record;
    if (r === null || compare({ ...r, intent: 0 }, { ...before, intent: 0 }) !== 0) return void write(x, t);
    let isReserved = false;
    if (R.reserve) {
      const { m } = t;
      t.m = intern({ ...m, record: reserved(r) });
      isReserved = isSighted && (x.S.v === t.m || write(x, t) || (R.store !== "locked" && mayWrite(x, t)));
      if (!isReserved) {
        t.m = m;
        if (!maySpendUnreserved(x, at, isSighted)) return;
      }
    }
    x.R = at;
    t.pc = 2;
    t.q = { s: sessionOf(r), k: r.k, asked: r, turn: nextTurn(r), res: isReserved ? 1 : 0 };
  }

  function maySpendUnreserved(x, at, isSighted) {
    const t = x.T[at];
    return (
      code.maySpendUnreserved(known(t), isSighted, !isGood(x, t.m.record)) && (!R.keepTurn || x.R < 0 || x.R === at)
    );
  }

  function send(x, at) {
    const t = x.T[at];
    const { q } = t;
    x.G[q.s].sp = q.res ? 1 : x.P[q.s].x >= q.k ? 2 : 3;
    t.pc = 3;
  }

  function handle(x, { s, k }) {
    const p = x.P[s];
    const g = x.G[s];
    const isUsed = (p.used >> k) & 1;
    p.used |= 1 << k;
    if (!p.dead && !isUsed) return ++p.cur;
    if (isUsed) {
      const why = g.lost[k] ?? 0;
      const isOver = g.free || g.out;
      count(
        isOver
          ? "a token of a session that is over, or that only a late message remembers, is spent twice"
          : `a token is spent twice after: ${reasons(why)}`,
      );
      if (why === 0 && !isOver) x.bad ??= `token ${k} of S${s + 1} is spent twice without need`;
      if (why === LOSS.careless && !isOver)
        x.bad ??= `token ${k} of S${s + 1} was spent while access was good and its answer could not be kept`;
      if (cfg.provider === "grace" && !p.dead) return ++p.cur;
    }
    if (!p.dead) p.why = g.lost[k] ?? 0;
    p.dead = 1;
    return -1;
  }

  function finish(x, at) {
    if (x.R === at) x.R = -1;
    x.T[at].pc = 0;
    x.T[at].q = null;
  }

  /** Whoever knows more than the storage queues for the turn, and keeps it: nobody else can know that a token is spent. */
  function passTurn(x) {
    const holder = x.T[x.R];
    if (holder !== undefined && (holder.pc > 0 || (R.keepTurn && holder.keep && holder.m.record !== null))) return;
    const waiting = (keep) => x.T.findIndex((t) => t.keep === keep && t.m.record !== null && t.pc === 0 && !t.pend);
    x.R = R.keepTurn ? ([2, 1].map(waiting).find((at) => at >= 0) ?? -1) : -1;
  }

  /** The answer is stored before anything else is done with it; or the provider's word is taken. */
  function receive(x, at, { asked, turn, a: answer, s }) {
    const t = x.T[at];
    const isSighted = look(x, t);
    if (answer >= 0) {
      if (t.lk && !R.turnKey) return;
      const turnId =
        R.turnIds < 0 ? String.fromCharCode(122 - answer) : R.turnIds > 0 ? String.fromCharCode(97 + answer) : "";
      const generation = asked.generation + 1;
      const next = internRecord({ ...asked, key: undefined, generation, turn, turnId, intent: 0, k: answer });
      know(t, code.answered(known(t), next, x.c));
      if (!write(x, t)) know(t, code.unstored(known(t), next));
    } else {
      const cause = code.rejection(asked);
      const { m } = t;
      if (R.reread) know(t, ended(known(t), asked, cause));
      else know(t, { ...known(t), replica: end(m, { signIn: greatest(m), id: EVERY_ID, cause: "rejected" }) });
      if (R.reread && t.m === m) return;
      count(`rejected, ${reasons(x.P[s].why)}: ${cause === "interrupted" ? "explained by an intent" : "no intent"}`);
      x.G[s].rej = 1;
      if (!write(x, t)) removeRefused(x, t, isSighted, () => false);
    }
    post(x, at);
  }
  const reasons = (flags) =>
    Object.keys(LOSS)
      .filter((name) => flags & LOSS[name])
      .join("+") || "none";

  // ---- what goes wrong ---------------------------------------------------------------------------------------

  const lose = (x, s, k, flag) => (x.G[s].lost[k] = (x.G[s].lost[k] ?? 0) | flag);
  const fillLost = (x) =>
    x.G.forEach((g, s) => {
      for (let k = 0; k < x.P[s].cur; k++) g.lost[k] ??= 0;
    });

  function crash(x, at) {
    const t = x.T[at];
    if (t.pc === 3 && x.B.orphan > 0) {
      x.B.orphan--;
      x.O = { s: t.q.s, k: t.q.k };
      lose(x, t.q.s, t.q.k, LOSS.crash);
    }
    if (t.pc === 4 && t.q.a >= 0) lose(x, t.q.s, t.q.k, LOSS.crash);
    if (t.late !== null) lose(x, t.late.s, t.late.k, LOSS.crash);
    const others = x.T.filter((o) => o !== t);
    const s = shows(t);
    if (s >= 0) {
      const greatestOf = (records) =>
        Math.max(-1, ...records.filter((r) => r !== null && sessionOf(r) === s).map((r) => r.k));
      // Others may know it too, but nothing tells who reads the storage.
      const best = greatestOf([x.S.v?.record ?? null]);
      if (greatestOf([...others.map((o) => o.m.record), x.S.v?.record ?? null]) < 0) {
        x.G[s].free = 1;
        count("lost: the only tab that held a session it could not store has gone");
      } else {
        const flag = { 0: LOSS.broken, 1: LOSS.broken, 2: LOSS.pastUse, 3: LOSS.careless }[x.G[s].sp];
        for (let k = Math.max(best, 0); k < t.m.record.k; k++) lose(x, s, k, flag);
      }
    }
    if (x.R === at) x.R = -1;
    x.T[at] = { ...FRESH, lk: t.lk };
    unknown(x);
    // The word of an end that nobody else has heard is lost with the page: signOut() had rejected. A tab that signed somebody out
    // unread still ends whom it finds in the storage.
    x.G.forEach((g, i) => {
      if (
        g.out === 1 &&
        !x.T.some(
          (o) =>
            covers(o.m.ended, g) ||
            (o.bo !== null &&
              o.bo <= x.c &&
              sessionOf(x.S.v?.record ?? null) === i &&
              shows(o) !== i &&
              g.signIn > x.c &&
              !(g.at >= o.bo && g.at <= x.c)),
        )
      )
        g.out = 3;
    });
    fillLost(x);
  }

  /** An end that no living tab knows any more, of a session that lives on in what never met the storage (a blind tab, a late message). */
  function unknown(x) {
    if (!x.blind) return;
    for (const g of x.G) {
      if (g.out !== 4 || x.T.some((t) => covers(t.m.ended, g)) || (x.S.v !== null && covers(x.S.v.ended, g))) continue;
      g.out = 3;
      count("excused: signed out, evicted, and only what never met the storage remembers the session");
    }
  }

  function evict(x) {
    x.S.v = null;
    for (const g of x.G) if (g.out === 2) g.out = 4;
    unknown(x);
    x.evicted = 1;
    for (const g of x.G) if (!g.out) g.free = 1;
    for (const s of x.G.keys()) for (let k = 0; k < x.P[s].cur; k++) lose(x, s, k, LOSS.evicted);
  }

  function lost(x, at, wasSpent) {
    const { q } = x.T[at];
    if (wasSpent) lose(x, q.s, q.k, LOSS.answer);
    finish(x, at);
  }

  /** Marked, not erased: merging knows no way back. */
  function withdraw(x, at) {
    const t = x.T[at];
    const { asked } = t.q;
    finish(x, at);
    look(x, t);
    know(t, code.withdrawn(known(t), asked));
    write(x, t);
  }

  function flush(x, at) {
    const t = x.T[at];
    t.pend = 0;
    if (mayWrite(x, t)) {
      const before = shows(t);
      if (R.store === "tx") look(x, t);
      const next =
        R.store === "tx" ? code.toStore(known(t), x.S.v, x.E + 1) : { ...t.m, epoch: x.S.v?.epoch ?? x.E + 1 };
      if (next !== null && !(x.S.v === null && t.m.record === null && t.m.ended.signIn === 0)) put(x, t, next);
      if (R.store === "tx") came(x, t, before, true);
    } else if (t.m.epoch === null) x.blind = 1;
    post(x, at);
  }

  const steps = {
    begin,
    crash,
    evict,
    fillLost,
    finish,
    flush,
    handle,
    hear,
    lose,
    lost,
    mayWrite,
    passTurn,
    receive,
    send,
    signIn,
    signOut,
    sync,
    withdraw,
  };
  return {
    initial: initial(tabs, budget, clock),
    successors: eventsOf(steps, { R, ties }),
    canonical,
    judge: propertiesOf(steps, { R, tabs }),
    stats,
  };
}
