/**
 * The world that the explorer walks through: tabs, one storage, one provider, messages, turns, a clock. What a tab knows and does
 * with it is the session's own code, `js/session/record.ts` and `rules.ts`; only what is around it is made here. `CHOICES` are what
 * the code around the rules decides (`replica.ts`, `refresh.ts`): each may be broken on purpose.
 */
import * as record from "../../../pkg/esm/session/record.js";
import * as rules from "../../../pkg/esm/session/rules.js";

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

export const ACTS = [
  "in",
  "again",
  "out",
  "refresh",
  "crash",
  "lose",
  "late",
  "orphan",
  "expire",
  "full",
  "cut",
  "evict",
  "sleep",
  "tick",
  "jump",
  "lock",
  "takeover",
  "dup",
  "busy",
];

/** What a loss is excused by; several may be true of one token. */
export const LOSS = { answer: 1, crash: 2, pastUse: 4, careless: 8, broken: 16, evicted: 32, takeover: 64 };

/** Equal records, and equal replicas, are one object, so that the key of a state is cheap. */
const records = new Map();
const replicas = new Map();

function internRecord(r) {
  if (r === null || (r.key !== undefined && records.get(r.key) === r)) return r;
  const key = `${r.signIn},${r.id},${r.generation},${r.turn},${r.turnId},${r.intent},${r.k},${r.s},${r.at}`;
  let known = records.get(key);
  if (known === undefined) {
    known = Object.freeze({ ...r, key });
    records.set(key, known);
  }
  return known;
}

function intern(replica) {
  if (replica === null) return null;
  const record = internRecord(replica.record);
  const { epoch, ended } = replica;
  const key = `${epoch ?? 0}:${ended.signIn}.${ended.id}.${ended.cause.slice(0, 2)}:${record === null ? "-" : record.key}`;
  let known = replicas.get(key);
  if (known === undefined) {
    known = Object.freeze({ epoch, ended, record, key });
    replicas.set(key, known);
  }
  return known;
}

const EMPTY = intern(CODE.EMPTY);
const FRESH = {
  m: EMPTY,
  keep: 0,
  gap: 0,
  bo: null,
  pc: 0,
  q: null,
  inb: [],
  pend: 0,
  late: null,
  cut: 0,
  slp: 0,
  lk: 0,
};

export function initial(tabs, budget, clock = 1) {
  return {
    c: clock,
    jumped: 0,
    bc: -1,
    blind: 0,
    evicted: 0,
    S: { v: null, full: 0 },
    E: 0,
    R: -1,
    O: null,
    P: [],
    G: [],
    bad: null,
    T: Array.from({ length: tabs }, () => ({ ...FRESH })),
    B: Object.fromEntries(ACTS.map((act) => [act, budget[act] ?? 0])),
  };
}

const clone = (s) => ({
  ...s,
  S: { ...s.S },
  T: s.T.map((t) => ({ ...t })),
  P: s.P.map((p) => ({ ...p })),
  G: s.G.map((g) => ({ ...g, lost: [...g.lost] })),
  B: { ...s.B },
  bad: null,
});

const askedKey = (q) => (q === null ? "" : `${q.asked.key}.${q.turn}.${q.res}.${q.a ?? ""}`);
const tabKey = (t) =>
  `${t.m.key}/${t.keep}${t.gap}${t.cut}${t.slp}${t.lk}${t.pend},${t.bo},${t.pc}${askedKey(t.q)}/${askedKey(t.late)}/${t.inb.map(({ m, stored }) => m.key + stored)}`;

/** Tabs have no names: their order is no part of a state. */
export function canonical(s) {
  const keys = s.T.map(tabKey);
  const order = keys.map((_, i) => i).sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b));
  const isOrdered = order.every((at, i) => at === i);
  const state = isOrdered ? s : { ...s, T: order.map((at) => s.T[at]), R: s.R < 0 ? s.R : order.indexOf(s.R) };
  const people = s.G.map((g) => `${g.signIn}.${g.id}.${g.at}.${g.out}${g.rej}${g.free}${g.sp}${g.lost}`);
  const families = s.P.map((p) => `${p.cur}.${p.used}.${p.dead}.${p.x}.${p.why}`);
  const orphan = s.O === null ? "" : Object.values(s.O);
  const rest = `${s.c},${s.jumped},${s.bc},${s.blind}${s.evicted},${s.S.full},${s.S.v?.key},${s.E},${state.R},${orphan},${families},${people},${Object.values(s.B)}`;
  return { key: `${order.map((at) => keys[at]).join("|")}#${rest}`, state, order };
}

/** Which sign-in a record is of, by its place in the list of all. */
export const sessionOf = (r) => (r === null ? -1 : r.s);
export const shows = (t) => sessionOf(t.m.record);

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

  function told({ epoch, ended, record: r }, stored) {
    const over = `ended ${ended.signIn}${ended.id === EVERY_ID ? "" : `/${ended.id}`}`;
    const what = r === null ? "none" : `S${r.s + 1} n${r.signIn} g${r.generation}${r.intent ? ` i${r.intent}` : ""}`;
    const where = r === null ? "" : stored ? ", stored" : ", not stored";
    return `{ ${over}, record ${what}, epoch ${epoch ?? "none"}${where} }`;
  }

  function how(s, t) {
    if (t.cut) return " (storage out of reach)";
    return s.S.full && !mayWrite(s, t) ? " (storage full)" : "";
  }

  // ---- every event that can happen in a state ------------------------------------------------------------------

  function successors(s) {
    const out = [];
    const go = (label, act, step) => {
      if (act !== null && s.B[act] <= 0) return;
      const x = clone(s);
      if (act !== null) x.B[act]--;
      if (step(x) !== false) {
        fillLost(x);
        passTurn(x);
        out.push([label, x]);
      }
    };
    const tabEvents = (t, at) => {
      const T = `T${at + 1}`;
      const me = (f) => (x) => f(x.T[at], x);
      if (t.slp)
        return go(
          `${T} wakes`,
          null,
          me((y) => {
            y.slp = 0;
            y.gap = 1;
          }),
        );
      if (t.pend) go(`${T} writes what it had read and merged`, null, (x) => flush(x, at));
      if (!t.pend) {
        go(`${T} synchronises with the storage`, null, (x) => {
          const { m, bo } = x.T[at];
          const v = x.S.v;
          sync(x, at);
          return x.T[at].m !== m || x.T[at].bo !== bo || x.S.v !== v || x.bad !== null || x.T[at].pend > 0;
        });
        if (!t.lk) {
          const S = `S${s.G.length + 1}`;
          for (const kind of ties && s.G.length > 0 ? ["greater", "smaller"] : ["greater"])
            go(`${T} signs ${S} in${how(s, t)}${kind === "smaller" ? " (smaller id)" : ""}`, "in", (x) =>
              signIn(x, at, kind),
            );
          if (t.m.record !== null)
            go(`${T} signs ${S} in, the same person again${how(s, t)}`, "again", (x) => signIn(x, at, "again"));
        }
        go(`${T} signs out${t.cut ? " (storage out of reach)" : ""}`, "out", (x) =>
          x.G.length === 0 ? false : signOut(x, at),
        );
        if (t.pc === 0 && t.late === null && !t.lk && shows(t) >= 0 && (s.R < 0 || s.R === at || !R.lock)) {
          go(`${T} begins a refresh: turn, read, intent`, "refresh", (x) => {
            const v = x.S.v;
            const { m } = x.T[at];
            begin(x, at);
            return x.T[at].pc === 2 || x.S.v !== v || x.T[at].m !== m;
          });
        }
        if (t.pc === 2) go(`${T} sends token ${t.q.k} of S${t.q.s + 1}`, null, (x) => send(x, at));
        if (t.pc === 4) {
          go(`${T} takes the answer (${t.q.a >= 0 ? `token ${t.q.a}` : "rejected"})`, null, (x) => {
            const { q } = x.T[at];
            const { R: turn } = x;
            finish(x, at);
            receive(x, at, q, q.a);
            x.R = turn === at ? at : x.R;
          });
        }
        if (t.late !== null) {
          go(`${T} gets the answer late (token ${t.late.a})`, null, (x) => {
            const q = x.T[at].late;
            x.T[at].late = null;
            receive(x, at, q, q.a);
          });
        }
        t.inb.forEach(({ m, stored }, place) => {
          const text = `${T} hears ${told(m, stored)}`;
          go(text, null, (x) => {
            x.T[at].inb = t.inb.filter((_, i) => i !== place);
            hear(x, at, m, stored);
          });
          go(`${text} (and will again)`, "dup", (x) => hear(x, at, m, stored));
        });
      }
      if (t.pc === 3) {
        go(
          `the provider gets token ${t.q.k} of S${t.q.s + 1} from ${T}`,
          null,
          me((y, x) => {
            y.q = { ...y.q, a: handle(x, y.q) };
            y.pc = 4;
          }),
        );
        go(`the request of ${T} is lost`, "lose", (x) => void lost(x, at, false));
      }
      if (t.pc === 3) go(`the provider tells ${T} to ask later: nothing was spent`, "busy", (x) => withdraw(x, at));
      if (t.pc === 4 && t.q.a >= 0) {
        go(`the answer to ${T} is lost`, "lose", (x) => void lost(x, at, true));
        go(`the answer to ${T} is so late that its turn ends`, "late", (x) => {
          const { q } = x.T[at];
          lost(x, at, true);
          x.T[at].late = q;
        });
      }
      if (t.pc >= 2 && s.R === at) {
        go(
          `the lease of ${T} is taken over`,
          "takeover",
          me((y, x) => {
            x.R = -1;
            lose(x, y.q.s, y.q.k, LOSS.takeover);
          }),
        );
      }
      if (t.m !== EMPTY || t.pc || t.pend || t.cut)
        go(`${T} crashes, and is loaded anew`, "crash", (x) => crash(x, at));
      go(
        `${T} falls asleep`,
        "sleep",
        me((y) => {
          y.slp = 1;
        }),
      );
      if (!t.cut)
        go(
          `${T} loses its connection to the storage`,
          "cut",
          me((y) => {
            y.cut = 1;
          }),
        );
      else
        go(
          `${T} can reach the storage again`,
          null,
          me((y) => {
            y.cut = 0;
          }),
        );
      go(
        t.lk ? `${T} is unlocked` : `${T} is locked`,
        "lock",
        me((y) => {
          y.lk = 1 - y.lk;
        }),
      );
    };
    for (const [at, t] of s.T.entries()) tabEvents(t, at);
    go(s.S.full ? "the storage has room again" : "the storage is full", "full", (x) => {
      x.S.full = 1 - x.S.full;
    });
    if (s.S.v !== null) go("the storage is evicted", "evict", (x) => evict(x));
    if (s.O !== null)
      go(`the provider gets token ${s.O.k} of S${s.O.s + 1} from a tab that died`, null, (x) => {
        const o = x.O;
        x.O = null;
        handle(x, o);
      });
    go("time passes", "tick", (x) => {
      x.c += 1;
    });
    if (s.jumped === 0)
      go("the clock is set far ahead", "jump", (x) => {
        x.c += 100;
        x.jumped = 1;
      });
    if (s.jumped === 1)
      go("the clock is set right", null, (x) => {
        x.c -= 100;
        x.jumped = 2;
      });
    s.P.forEach((p, i) => {
      if (p.x < p.cur)
        go(`the access token of S${i + 1} is past use`, "expire", (x) => {
          x.P[i].x = p.cur;
        });
    });
    return out;
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

  // ---- what must hold ------------------------------------------------------------------------------------------

  /** When everything is quiet: can be read and written, everybody awake, messages heard or lost, in any order. */
  function settle(s, order, hears) {
    const x = clone(s);
    x.S.full = 0;
    for (const t of x.T) {
      if (t.slp) t.gap = 1;
      t.cut = t.slp = 0;
    }
    for (let round = 0; round < 3; round++) {
      for (const at of order) {
        const t = x.T[at];
        const waiting = hears ? t.inb : [];
        t.inb = [];
        for (const { m, stored } of waiting) hear(x, at, m, stored);
        sync(x, at);
      }
    }
    return x;
  }
  const isSameReplica = (one, other) => intern({ ...one, epoch: null }) === intern({ ...other, epoch: null });
  const orders =
    tabs === 2
      ? [
          [0, 1],
          [1, 0],
        ]
      : [
          [0, 1, 2],
          [2, 1, 0],
          [1, 2, 0],
        ];

  function judge(s) {
    if (s.T.some((t) => t.pc || t.pend || t.late !== null)) return null;
    if (R.store !== "locked") return judgeBy(s, makeSettled);
    return judgeBy(s, settle);
  }
  const makeSettled = (s, order, hears) => {
    const x = clone(s);
    const kept = R.store;
    R.store = "locked";
    try {
      return settle(x, order, hears);
    } finally {
      R.store = kept;
    }
  };

  function judgeBy(s, by) {
    for (const hears of s.T.some((t) => t.inb.length > 0) ? [true, false] : [false]) {
      for (const order of orders) {
        const x = by(s, order, hears);
        const when = `when all is quiet (messages ${hears ? "heard" : "lost"})`;
        if (x.bad !== null) return `${x.bad} ${when}`;
        const [first] = x.T;
        if (x.T.some((t) => t.m !== first.m) || !isSameReplica(x.S.v ?? EMPTY, first.m))
          return `replicas differ ${when}: ${x.T.map((t) => t.m.key).join(" | ")} | stored ${x.S.v?.key}`;
        const now = shows(first);
        if (now >= 0 && [1, 2, 4].includes(x.G[now].out) && !x.G[now].free)
          return `S${now + 1} was signed out, and is back ${when}`;
        const last = x.G.length - 1;
        const g = x.G[last];
        if (g === undefined || g.out || g.rej || g.free || x.P[last].dead) continue;
        // A clock that was set, and a blind act or an eviction: the corrected rules say that everybody may have to sign in again.
        if (x.jumped > 0 && (x.blind || x.evicted) && R.mayLoseToClock) continue;
        if (now === last || (now >= 0 && x.G[now].signIn === g.signIn)) continue;
        return `S${last + 1} signed in last, and is lost ${when}`;
      }
    }
    return stuck(s);
  }

  /** A session whose access is past use and whose storage only refuses writes must find a way. */
  function stuck(s) {
    if (!s.S.full) return null;
    for (const [at, t] of s.T.entries()) {
      const i = shows(t);
      if (i < 0 || (s.R >= 0 && s.R !== at) || t.cut || t.slp || t.lk || s.P[i].x < t.m.record.k || s.P[i].dead)
        continue;
      const x = clone(s);
      const { record: r } = t.m;
      begin(x, at);
      if (x.T[at].pc !== 2 && x.T[at].m.record === r)
        return `S${i + 1} is past use, and T${at + 1} never spends while the storage is full`;
    }
    return null;
  }

  return { initial: initial(tabs, budget, clock), successors, canonical, judge, stats };
}
