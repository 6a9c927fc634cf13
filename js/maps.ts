/**
 * What the reference engine's module says, with `Map`s as objects whose members are their own, `__proto__` too. The other
 * modules say the same as JSON text, which `JSON.parse` reads so.
 */
export function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
