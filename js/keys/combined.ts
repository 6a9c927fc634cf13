import { KeyStoreError, keyDoubt, TokenError } from "../errors.js";
import type { ClockMarks, Policy } from "../policy.js";
import type { CreateVerifier, Result, VerificationKey, Verified } from "../verifier.js";
import type { KeyRefresh, KeyStore } from "./types.js";

/** Which of several stores a token is for. */
export interface Choice<C, E> {
  /** Throws a {@link TokenError} for a token that there is no store for. */
  storeOf(token: string): KeyStore<C, E>;
  /** Does what may give a token a store that has none; rejects with why it did not. */
  meet?(token: string): Promise<KeyStore<C, E> | undefined>;
  /** Told of each store that has found a token genuine. */
  verified?(store: KeyStore<C, E>): void;
  readonly stores: Iterable<KeyStore<C, E>>;
}

/**
 * Several stores as one, each with its own refresh, cool-down and limits. `listeners` are told of each change of keys; `sibling`
 * makes verifiers in the module that the stores' own are of.
 */
export function combined<C, E>(
  choice: Choice<C, E>,
  listeners: Set<() => void>,
  sibling: CreateVerifier,
): KeyStore<C, E> {
  const storeOf = (token: string): KeyStore<C, E> => {
    if (typeof token === "string") return choice.storeOf(token);
    throw new TokenError("malformed", `the token is malformed: it is not a string but ${typeof token}`);
  };
  /** What would help against a refusal: only the token says which store that is about. */
  const remedies = new WeakMap<TokenError, () => Promise<boolean>>();
  const explained = (error: unknown, token: string): unknown => {
    if (error instanceof TokenError && keyDoubt(error.code) !== undefined) {
      remedies.set(error, () => remedy(error, token));
    }
    return error;
  };
  const told = <T>(token: string, ask: (store: KeyStore<C, E>) => T): T => {
    try {
      return ask(storeOf(token));
    } catch (error) {
      throw explained(error, token);
    }
  };
  const genuine = <T>(token: string, ask: (store: KeyStore<C, E>) => T): T =>
    told(token, (store) => {
      const answer = ask(store);
      choice.verified?.(store);
      return answer;
    });
  const safeVerify = (token: string, expected?: E): Result<C> => {
    try {
      return { ok: true, value: genuine(token, (store) => store.verify(token, expected)) };
    } catch (error) {
      if (error instanceof TokenError) return { ok: false, error };
      throw error;
    }
  };
  const hasStore = (token: string): boolean => {
    try {
      return storeOf(token) !== undefined;
    } catch {
      return false;
    }
  };
  const remedy = async (error: TokenError, token: string): Promise<boolean> => {
    if (hasStore(token)) return storeOf(token).freshen(error);
    await choice.meet?.(token).catch(() => {});
    return hasStore(token);
  };
  const verifyFresh = async (token: string, expected?: E): Promise<Verified<C>> => {
    let store: KeyStore<C, E> | undefined;
    if (typeof token === "string" && !hasStore(token)) {
      const first = safeVerify(token, expected);
      if (!first.ok && keyDoubt(first.error.code) === undefined) throw first.error;
      store = await choice.meet?.(token);
    }
    store ??= storeOf(token);
    const verified = await store.verifyFresh(token, expected);
    choice.verified?.(store);
    return verified;
  };
  /** Of all at once; what one of them refuses is told only after the others are done. */
  const all = async <T>(ask: (store: KeyStore<C, E>) => Promise<T>): Promise<T[]> => {
    const settled = await Promise.allSettled([...choice.stores].map(ask));
    const failed = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed !== undefined) throw failed.reason;
    return settled.map((one) => (one as PromiseFulfilledResult<T>).value);
  };
  const outcome = (found: readonly (KeyRefresh | undefined)[]): KeyRefresh | undefined =>
    found.find((one) => one?.outcome === "updated") ?? found.find((one) => one !== undefined);
  return Object.freeze({
    verify: (token: string, expected?: E) => genuine(token, (store) => store.verify(token, expected)),
    safeVerify,
    assess: (token: string, policy: Policy, marks: ClockMarks) =>
      genuine(token, (store) => store.assess(token, policy, marks)),
    validity: (token: string) => told(token, (store) => store.validity(token)),
    now: (token: string) => told(token, (store) => store.now(token)),
    sibling,
    load: async () => void (await all((store) => store.load())),
    refresh: async () => outcome(await all((store) => store.refresh())) ?? { outcome: "unchanged" as const },
    refreshIfDue: async () => outcome(await all((store) => store.refreshIfDue())),
    verifyFresh,
    freshen: async (error: TokenError) => (await remedies.get(error)?.()) ?? false,
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get keys(): readonly VerificationKey[] {
      return [...new Set([...choice.stores].flatMap(({ keys }) => keys))];
    },
    get refreshedAt(): number | undefined {
      const times = [...choice.stores].map(({ refreshedAt }) => refreshedAt);
      return times.length === 0 || times.includes(undefined) ? undefined : Math.min(...(times as number[]));
    },
  });
}

/** The `iss` of a token, which nobody has verified: it chooses whom to ask, and decides nothing. */
export function namedIssuer(token: string): string | undefined {
  const [, payload = ""] = token.split(".");
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (character) =>
      character.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isObject = typeof claims === "object" && claims !== null && Object.hasOwn(claims, "iss");
    const issuer: unknown = isObject ? (claims as { iss: unknown }).iss : undefined;
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined;
  }
}

export function unknownIssuer(cause?: unknown): TokenError {
  const message = "the issuer of the token is not known yet: verifyFresh asks whether it is allowed";
  return new TokenError("key_not_found", message, { claim: "iss" }, cause === undefined ? undefined : { cause });
}

export function busy(message: string): KeyStoreError {
  return new KeyStoreError("cooling_down", message);
}
