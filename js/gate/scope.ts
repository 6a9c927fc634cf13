/** What there is where this code runs: a service worker's scope, or an edge runtime's. */

/** Whether there is such a global: in the worker's scope or what that is made of, and not in every object there is. */
export function hasGlobal(name: string): boolean {
  let holder: object | null = globalThis;
  while (holder !== null && holder !== Object.prototype) {
    if (Object.hasOwn(holder, name)) return true;
    holder = Object.getPrototypeOf(holder);
  }
  return false;
}

/** Where the worker is; `undefined` at the edge. */
export function here(): Location | undefined {
  return hasGlobal("location") ? globalThis.location : undefined;
}
