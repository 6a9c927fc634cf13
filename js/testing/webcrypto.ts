interface WebCrypto {
  readonly subtle: SubtleCrypto;
  getRandomValues<T extends ArrayBufferView>(array: T): T;
}

interface Builtins {
  getBuiltinModule?: (name: string) => { webcrypto: WebCrypto } | undefined;
}

/** WebCrypto; that of Node where a test environment hides it, as Jest's jsdom does. */
export function webCrypto(): WebCrypto {
  const global = globalThis as { crypto?: Partial<WebCrypto>; process?: Builtins };
  if (global.crypto?.subtle !== undefined) return global.crypto as WebCrypto;
  const found = global.process?.getBuiltinModule?.("node:crypto")?.webcrypto;
  if (found !== undefined) return found;
  throw new Error(
    "tokenward/testing signs with WebCrypto, and there is none here: in a page, it needs https or localhost",
  );
}

export function subtle(): SubtleCrypto {
  return webCrypto().subtle;
}
