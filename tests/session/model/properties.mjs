/** What must hold in every state in which nothing is under way, once all is quiet. */
import { clone, EMPTY, intern, shows } from "./state.mjs";

/** Gives back how a state is judged: `null`, or what is wrong with it. */
export function propertiesOf({ begin, hear, sync }, { R, tabs }) {
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

  return judge;
}
