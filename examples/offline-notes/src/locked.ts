import { pinProtection } from "tokenward/pin";
import { oauthProvider } from "tokenward/providers";
import { createSession, ProtectionError } from "tokenward/session";
import { indexedDbStorage } from "tokenward/storage";
import { clientId, issuer, keys, target } from "./auth.js";

const storage = indexedDbStorage();
export const protection = pinProtection({ storage, maxAttempts: 10 });
export const session = createSession({
  verifier: keys,
  provider: oauthProvider({ issuer, clientId, ...target }),
  storage,
  protection,
});

/** Before signing in: a session is locked until there is a PIN. Signing out and too many attempts forget it. */
export const choosePin = (pin: string) => protection.setup(pin);

/** What to tell somebody who typed a PIN. */
export async function unlock(pin: string): Promise<string> {
  try {
    await session.unlock(pin);
    return "unlocked";
  } catch (error) {
    if (!(error instanceof ProtectionError)) throw error;
    if (error.code === "too_many_attempts") return "Too many attempts: sign in again.";
    return error.retryAfter ? `Try again in ${error.retryAfter} seconds.` : "That is not the PIN.";
  }
}
