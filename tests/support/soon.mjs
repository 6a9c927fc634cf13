/** More steps than whatever a test waits for takes. */
const STEPS = 30;

/**
 * Waits until what goes on by itself has been done, be the machine fast or slow: it counts steps of the kinds that a session
 * waits for (WebCrypto's threads, timers, turns of the event loop) rather than time.
 */
export async function soon() {
  for (let step = 0; step < STEPS; step += 1) {
    await crypto.subtle.digest("SHA-256", new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
