import { subtle } from "./webcrypto.js";

/** More steps than whatever goes on by itself in a session takes. */
const STEPS = 60;

/**
 * Waits until what goes on by itself has been done, be the machine fast or slow: it counts turns of the
 * event loop, by WebCrypto's threads, not time. Timers would be those of a test that has replaced them.
 */
export async function settle(isBusy: () => boolean): Promise<void> {
  for (let step = 0; step < STEPS; step += 1) {
    await subtle().digest("SHA-256", new Uint8Array(1));
    if (isBusy()) step = 0;
  }
}
