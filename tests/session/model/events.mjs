/** Every event that can happen in a state, with its name for people: each is steps of the world, as far as the budget goes. */
import { EVERY_ID } from "../../../pkg/esm/session/record.js";
import { clone, EMPTY, LOSS, shows } from "./state.mjs";

/** `steps`: what tabs, storage and provider do, see `world.mjs`; each changes the state that it is given. */
export function eventsOf(steps, { R, ties }) {
  const { begin, crash, evict, fillLost, finish, flush, handle, hear, lose, lost, mayWrite } = steps;
  const { passTurn, receive, send, signIn, signOut, sync, withdraw } = steps;

  function how(s, t) {
    if (t.cut) return " (storage out of reach)";
    return s.S.full && !mayWrite(s, t) ? " (storage full)" : "";
  }

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

  return successors;
}

function told({ epoch, ended, record: r }, stored) {
  const over = `ended ${ended.signIn}${ended.id === EVERY_ID ? "" : `/${ended.id}`}`;
  const what = r === null ? "none" : `S${r.s + 1} n${r.signIn} g${r.generation}${r.intent ? ` i${r.intent}` : ""}`;
  const where = r === null ? "" : stored ? ", stored" : ", not stored";
  return `{ ${over}, record ${what}, epoch ${epoch ?? "none"}${where} }`;
}
