/** Breadth first over explicit states, so the first violation found is a shortest one. Knows nothing of sessions. */

/** Open addressing; 52 bits of each key are kept. A collision would hide a state: at 10^7 states about 1 chance in 100. */
class Seen {
  #mask = (1 << 20) - 1;
  #table = new Float64Array(1 << 20);
  size = 0;
  add(hash) {
    let at = (hash % 4294967296) & this.#mask;
    for (; this.#table[at] !== 0; at = (at + 1) & this.#mask) if (this.#table[at] === hash) return false;
    this.#table[at] = hash;
    if (++this.size * 2 > this.#mask) this.#grow();
    return true;
  }
  #grow() {
    const old = this.#table;
    this.#mask = old.length * 2 - 1;
    this.#table = new Float64Array(old.length * 2);
    for (const hash of old) {
      if (hash === 0) continue;
      let at = (hash % 4294967296) & this.#mask;
      while (this.#table[at] !== 0) at = (at + 1) & this.#mask;
      this.#table[at] = hash;
    }
  }
}

function hash(text) {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return ((b >>> 0) & 0xfffff) * 4294967296 + (a >>> 0) + 1;
}

class Column {
  #chunks = [];
  length = 0;
  push(value) {
    if ((this.length & 0xfffff) === 0) this.#chunks.push(new Int32Array(0x100000));
    this.#chunks[this.length >> 20][this.length & 0xfffff] = value;
    return this.length++;
  }
  get(at) {
    return this.#chunks[at >> 20][at & 0xfffff];
  }
}

/**
 * `world`: { initial, successors(state) -> [[label, state]], canonical(state) -> { key, state, order }, judge(state) -> string | null }
 * A state's own `bad` is a violation of the step that led to it.
 */
export function explore(world, { maxStates = 1e6, maxSeconds = 60, wanted } = {}) {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const seen = new Seen();
  const parents = new Column();
  const labels = new Column();
  const names = [];
  const numbers = new Map();
  const number = (label) => {
    if (!numbers.has(label)) numbers.set(label, names.push(label) - 1);
    return numbers.get(label);
  };
  const first = world.canonical(world.initial);
  seen.add(hash(first.key));
  parents.push(-1);
  labels.push(-1);
  let level = [{ at: 0, state: first.state }];
  let depth = 0;
  let edges = 0;
  const done = (result) => ({ states: seen.size, edges, depth, seconds: seconds(), ...result });
  const trace = (at) => {
    const way = [];
    for (let here = at; parents.get(here) >= 0; here = parents.get(here)) way.unshift(names[labels.get(here)]);
    return way;
  };
  while (level.length > 0) {
    const next = [];
    for (const { at, state } of level) {
      for (const [label, after] of world.successors(state)) {
        edges++;
        const { key, state: same } = world.canonical(after);
        const isNew = seen.add(hash(key));
        const bad = after.bad ?? (isNew ? world.judge(same) : null);
        if (!isNew && bad === null) continue;
        const here = parents.push(at);
        labels.push(number(label));
        if (bad !== null && (wanted === undefined || wanted(bad)))
          return done({ bad, trace: trace(here), complete: false });
        next.push({ at: here, state: same });
      }
      if (seen.size >= maxStates || seconds() > maxSeconds)
        return done({ bad: null, complete: false, frontier: next.length });
    }
    level = next;
    if (next.length > 0) depth++;
  }
  return done({ bad: null, complete: true });
}
