// Sessions behind one PIN, in pages and a worker of one origin.
import { createVerifier } from "tokenward";
import { pinProtection } from "tokenward/pin";
import { createSession } from "tokenward/session";
import { indexedDbStorage } from "tokenward/storage";

const { jwks, issuer, audience, token } = globalThis.GIVEN;
const PIN = "246810";

const storage = indexedDbStorage();
const protection = pinProtection({ storage, memory: 19_456, iterations: 2 });
const session = createSession({
  verifier: createVerifier({ jwks, issuer, audience }),
  provider: null,
  storage,
  protection,
});

/** Whose access token is there, once anybody has unlocked this session. */
async function unlockedByOthers() {
  const unlocked = new Promise((resolve) => {
    session.addEventListener("change", () => session.state.status === "signed_in" && resolve());
  });
  if ((await session.start()).status !== "signed_in") await unlocked;
  return session.accessToken === token;
}

if (typeof document === "undefined") {
  unlockedByOthers().then(postMessage);
} else {
  globalThis.shared = {
    unlockedByOthers,
    async status() {
      await session.start();
      return session.state.status;
    },
    async signIn() {
      await session.start();
      await protection.setup(PIN);
      return (await session.signIn({ access_token: token })).status;
    },
    unlock: async () => (await session.unlock(PIN)).status,
    worker: () =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/page.js");
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message ?? "the worker did not start"));
      }),
  };
}
