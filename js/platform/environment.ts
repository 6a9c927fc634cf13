import { leaseLock } from "./lease.js";
import { webLock } from "./locks.js";
import { cachesHere } from "./user-caches.js";

/**
 * Everything outside that a session meets: time, timers, other tabs, the network's coming and going. Each part may be
 * replaced, for tests or for a platform with ways of its own.
 */
export interface Environment {
  /** The device's clock, in Unix seconds. */
  now(): number;
  /** Runs something once, after some seconds; gives back how to prevent it. */
  after(seconds: number, run: () => void): () => void;
  /** 0 to 1, for jitter. */
  random(): number;
  /**
   * Runs `work` while no other tab or worker runs under the same name. `undefined` if the turn did not come within
   * `waitSeconds`.
   */
  exclusive<T>(name: string, waitSeconds: number, work: () => Promise<T>): Promise<T | undefined>;
  /** A channel to the other tabs and workers of this origin. */
  channel(name: string, listener: (message: unknown) => void): Channel;
  /**
   * Calls the listener when the network has come back (`online`) or may have while nobody listened (`visible`); gives
   * back how to stop.
   */
  onReconnect(listener: (how: "online" | "visible") => void): () => void;
  /** A hint only: `false` means that trying now is likely useless. */
  online(): boolean;
  /** Where per-user caches are, if anywhere. */
  readonly caches: CacheStorage | undefined;
}

export interface Channel {
  post(message: unknown): void;
  close(): void;
}

/** The platform's own. */
export function platformEnvironment(): Environment {
  return {
    now: () => Date.now() / 1000,
    after(seconds, run) {
      const timer: unknown = setTimeout(run, seconds * 1000);
      // A session alone does not keep Node running.
      (timer as { unref?: () => void }).unref?.();
      return () => clearTimeout(timer as number);
    },
    random: Math.random,
    exclusive: typeof navigator === "object" && navigator.locks ? withWebLocks : withoutLocks,
    channel: broadcast,
    onReconnect,
    online: () => typeof navigator !== "object" || navigator.onLine !== false,
    caches: cachesHere(),
  };
}

const withoutLocks = leaseLock();

async function withWebLocks<T>(name: string, waitSeconds: number, work: () => Promise<T>): Promise<T | undefined> {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), waitSeconds * 1000);
  const begin = () => {
    clearTimeout(timer);
    return work();
  };
  try {
    return await webLock<T | undefined>(name, waiting.signal, begin, () =>
      // Refused in a sandboxed frame, for one.
      waiting.signal.aborted ? undefined : withoutLocks(name, waitSeconds, work),
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Where there is no such channel, or it is refused, the tabs find out from the storage. */
function broadcast(name: string, listener: (message: unknown) => void): Channel {
  try {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => listener(data);
    // Node: an open channel alone does not keep it running.
    (channel as { unref?: () => void }).unref?.();
    return { post: (message) => channel.postMessage(message), close: () => channel.close() };
  } catch {
    return { post() {}, close() {} };
  }
}

/** `online` says that there is some network; a page that becomes visible has perhaps slept through that event. */
function onReconnect(listener: (how: "online" | "visible") => void): () => void {
  const target = globalThis as Partial<EventTarget>;
  const page = typeof document === "object" ? document : undefined;
  const visible = () => {
    if (page?.visibilityState === "visible") listener("visible");
  };
  const online = () => listener("online");
  target.addEventListener?.("online", online);
  page?.addEventListener("visibilitychange", visible);
  return () => {
    target.removeEventListener?.("online", online);
    page?.removeEventListener("visibilitychange", visible);
  };
}
