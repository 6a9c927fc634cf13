interface Builtins {
  getBuiltinModule?: (name: string) => { webcrypto: { subtle: SubtleCrypto } } | undefined;
}

/** WebCrypto; that of Node where a test environment hides it, as Jest's jsdom does. */
export function subtle(): SubtleCrypto {
  const global = globalThis as { crypto?: { subtle?: SubtleCrypto }; process?: Builtins };
  const found = global.crypto?.subtle ?? global.process?.getBuiltinModule?.("node:crypto")?.webcrypto.subtle;
  if (found !== undefined) return found;
  throw new Error(
    "tokenward/testing signs with WebCrypto, and there is none here: in a page, it needs https or localhost",
  );
}
