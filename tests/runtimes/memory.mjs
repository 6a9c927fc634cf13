// How much memory the module takes over many key sets and many verifiers, in any runtime.
import { memoryBytes } from "./instances.mjs";

const ROUNDS = 300;

/**
 * @param {{ createVerifier: Function }} api
 * @param {{ now: number, issuer: string, audience: string, kinds: { jwk: object, token: string }[] }} given
 */
export function memoryUse(api, { now, issuer, audience, kinds }) {
  const options = { jwks: kinds.map(({ jwk }) => jwk), issuer, audience, now: () => now };
  const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
  const verifier = api.createVerifier(options);
  const used = (verifying) => {
    for (const { token } of kinds) if (!verifying.safeVerify(token).ok) throw new Error("a token was refused");
  };
  /** How much the memory grows over many rounds, once the first few have filled it. */
  const grownBy = (work) => {
    for (let round = 0; round < 10; round += 1) work();
    const before = memoryBytes();
    for (let round = 0; round < ROUNDS; round += 1) work();
    return memoryBytes() - before;
  };
  const setKeys = grownBy(() => {
    verifier.setKeys(options.jwks);
    used(verifier);
  });
  const refused = grownBy(() => {
    try {
      verifier.setKeys([]);
    } catch {}
  });
  const disposed = grownBy(() => {
    const another = api.createVerifier(options);
    used(another);
    another[dispose]();
  });
  used(verifier);
  return { hasRegistry: typeof FinalizationRegistry === "function", setKeys, refused, disposed };
}
