import { subtle } from "./webcrypto.js";

/** More steps than whatever goes on by itself in a session takes. */
const STEPS = 60;

/** Of before a test replaced it by one that it moves itself. */
const { setTimeout } = globalThis;

/**
 * Waits until what goes on by itself has been done, be the machine fast or slow: it counts steps of the kinds that a session
 * waits for (WebCrypto's threads, turns of the event loop), not time.
 */
export async function settle(isBusy: () => boolean): Promise<void> {
  for (let step = 0; step < STEPS; step += 1) {
    await subtle().digest("SHA-256", new Uint8Array(1));
    if (step % 10 === 0) await new Promise<void>((resolve) => setTimeout(resolve));
    if (isBusy()) step = 0;
  }
}
