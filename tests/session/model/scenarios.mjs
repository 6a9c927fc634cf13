/**
 * What is explored: who may do what how often. Everything not named happens not at all; messages may always be late, out of order
 * or never heard. `npm test` takes those of {@link QUICK}, `npm run model` all.
 */
export const scenarios = {
  "sign-ins and sign-outs, blind tabs, ties": { tabs: 2, ties: true, budget: { in: 2, out: 1, cut: 2, tick: 1 } },
  "the same person again, blind tabs": { tabs: 2, budget: { in: 1, again: 1, out: 1, cut: 2, tick: 1, crash: 1 } },
  "the same person again, refreshing": { tabs: 2, budget: { in: 1, again: 1, out: 1, refresh: 2, crash: 1, lose: 1 } },
  "blind tabs, crashes, and a clock set ahead and back": {
    tabs: 2,
    budget: { in: 2, out: 1, cut: 2, tick: 1, jump: 1, crash: 1 },
  },
  "refreshing into a storage that gets full": {
    tabs: 2,
    budget: { in: 1, out: 1, refresh: 2, crash: 1, lose: 1, full: 2, expire: 1, late: 1 },
  },
  "a provider that is busy, intents withdrawn": {
    tabs: 2,
    budget: { in: 1, out: 1, refresh: 3, crash: 1, busy: 1, lose: 1 },
  },
  "refreshing, and a reservation that does not hold": {
    tabs: 2,
    reserveHolds: false,
    budget: { in: 1, out: 1, refresh: 3, crash: 1, lose: 1, full: 1, expire: 1, orphan: 1 },
  },
  "refreshing by tabs that lose the storage": {
    tabs: 2,
    budget: { in: 1, refresh: 2, crash: 1, cut: 2, full: 1, expire: 1 },
  },
  "two people, refreshing, a full storage": {
    tabs: 2,
    budget: { in: 2, out: 1, refresh: 2, crash: 1, full: 1, expire: 1 },
  },
  "a provider with grace, late answers, requests of dead tabs": {
    tabs: 2,
    provider: "grace",
    budget: { in: 1, out: 1, refresh: 3, crash: 1, lose: 1, late: 1, orphan: 1 },
  },
  "eviction, sleep, crashes, the clock": {
    tabs: 2,
    budget: { in: 2, out: 1, evict: 1, sleep: 1, tick: 1, crash: 1, jump: 1 },
  },
  "eviction and blind tabs, doubled messages": {
    tabs: 2,
    budget: { in: 2, out: 1, evict: 1, cut: 1, tick: 1, dup: 1, crash: 1 },
  },
  "eviction while refreshing, locked tabs": {
    tabs: 2,
    budget: { in: 1, out: 1, refresh: 2, evict: 1, full: 1, lock: 2, crash: 1 },
  },
  "no locks: a lease that is taken over": {
    tabs: 2,
    choices: { store: "tx" },
    budget: { in: 1, out: 1, refresh: 2, takeover: 1, crash: 1, full: 1, lose: 1 },
  },
  "no locks, a provider with grace": {
    tabs: 2,
    provider: "grace",
    choices: { store: "tx" },
    budget: { in: 1, refresh: 2, takeover: 1, crash: 1, late: 1, full: 1 },
  },
  "no locks: sign-ins and sign-outs by transactions": {
    tabs: 2,
    choices: { store: "tx" },
    budget: { in: 2, out: 1, crash: 1, tick: 1, evict: 1, cut: 1 },
  },
  "three tabs: signing in, out, refreshing": {
    tabs: 3,
    cap: 1,
    budget: { in: 2, out: 1, refresh: 1, crash: 1, tick: 1 },
  },
  "three tabs: eviction and sleep": { tabs: 3, cap: 1, budget: { in: 2, out: 1, evict: 1, sleep: 1 } },
  "three tabs: a full storage": {
    tabs: 3,
    cap: 1,
    budget: { in: 1, out: 1, refresh: 2, full: 1, expire: 1, crash: 1 },
  },
  "three tabs: blind": { tabs: 3, cap: 1, budget: { in: 2, out: 1, cut: 2, tick: 1 } },
};

/** Small enough for every `npm test`. */
export const QUICK = {
  "sign-ins, sign-outs and tabs that cannot read": { tabs: 2, ties: true, budget: { in: 2, out: 1, cut: 1, tick: 1 } },
  "the same person again": { tabs: 2, budget: { in: 1, again: 1, out: 1, cut: 1, tick: 1 } },
  "refreshing into a storage that gets full": { tabs: 2, budget: { in: 1, refresh: 2, crash: 1, full: 1, expire: 1 } },
  "refreshing by tabs that lose the storage": { tabs: 2, budget: { in: 1, refresh: 2, cut: 1, full: 1, expire: 1 } },
  "lost answers, and a provider that is busy": { tabs: 2, budget: { in: 1, out: 1, refresh: 2, busy: 1, lose: 1 } },
  "eviction and sleep": { tabs: 2, budget: { in: 2, out: 1, evict: 1, sleep: 1, tick: 1 } },
  "eviction while refreshing, locked tabs": {
    tabs: 2,
    budget: { in: 1, out: 1, refresh: 1, evict: 1, lock: 1, crash: 1 },
  },
  "a lease that is taken over": {
    tabs: 2,
    choices: { store: "tx" },
    budget: { in: 1, refresh: 2, takeover: 1, full: 1 },
  },
  "three tabs": { tabs: 3, cap: 1, budget: { in: 2, out: 1, refresh: 1 } },
};
