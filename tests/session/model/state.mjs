/** One state of the world: tabs, the storage, the provider's families, people, a clock. Equal states have one key. */
import { EMPTY as NOTHING } from "../../../pkg/esm/session/record.js";

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

export function internRecord(r) {
  if (r === null || (r.key !== undefined && records.get(r.key) === r)) return r;
  const key = `${r.signIn},${r.id},${r.generation},${r.turn},${r.turnId},${r.intent},${r.k},${r.s},${r.at}`;
  let known = records.get(key);
  if (known === undefined) {
    known = Object.freeze({ ...r, key });
    records.set(key, known);
  }
  return known;
}

export function intern(replica) {
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

export const EMPTY = intern(NOTHING);
export const FRESH = {
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

export const clone = (s) => ({
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
