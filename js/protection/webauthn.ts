import { ConfigError, ProtectionError } from "../errors.js";
import { randomBytes } from "./box.js";

/** What the browser shows, and for how long, in seconds. */
export interface Dialogue {
  readonly rpId: string | undefined;
  readonly rpName: string;
  readonly userName: string;
  readonly timeout: number;
}

/** A passkey and its 32 bytes for a salt, the same each time, that nobody else can make. */
export interface Passkey {
  readonly credential: Uint8Array<ArrayBuffer>;
  readonly answer: Uint8Array<ArrayBuffer>;
}

/** COSE algorithms: EdDSA, ES256, RS256. The signature is not looked at, only the PRF's answer is. */
const ALGORITHMS = [-8, -7, -257];

export function passkeysAreThere(): boolean {
  return typeof PublicKeyCredential !== "undefined" && globalThis.navigator?.credentials !== undefined;
}

export async function makePasskey(salt: Uint8Array<ArrayBuffer>, dialogue: Dialogue): Promise<Passkey> {
  if (await lacksPrf()) throw withoutPrf();
  const { rpId, rpName, userName, timeout } = dialogue;
  const made = await asking(() =>
    navigator.credentials.create({
      publicKey: {
        // No server checks this: nothing can be replayed, since what counts is the answer of the PRF.
        challenge: randomBytes(32),
        rp: { name: rpName, ...(rpId === undefined ? {} : { id: rpId }) },
        user: { id: randomBytes(32), name: userName, displayName: userName },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
        // Android has the PRF only for passkeys it can find by itself.
        authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
        timeout: timeout * 1000,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  const prf = made.getClientExtensionResults().prf;
  const credential = new Uint8Array(made.rawId);
  if (prf?.results?.first !== undefined) return { credential, answer: answerOf(prf.results.first) };
  if (prf?.enabled !== true) throw withoutPrf();
  // Many authenticators answer only when they are asked, not when the passkey is made.
  return askPasskey(credential, salt, dialogue);
}

export async function askPasskey(
  credential: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  { rpId, timeout }: Dialogue,
): Promise<Passkey> {
  const asked = await asking(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: randomBytes(32),
        ...(rpId === undefined ? {} : { rpId }),
        allowCredentials: [{ type: "public-key", id: credential }],
        userVerification: "required",
        timeout: timeout * 1000,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  const answer = asked.getClientExtensionResults().prf?.results?.first;
  if (answer === undefined) throw withoutPrf();
  return { credential, answer: answerOf(answer) };
}

async function asking(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let answer: Credential | null;
  try {
    answer = await ask();
  } catch (cause) {
    throw refusal(cause);
  }
  if (answer instanceof PublicKeyCredential) return answer;
  throw refusal(undefined);
}

function refusal(cause: unknown): Error {
  const name = (cause as { name?: unknown } | undefined)?.name;
  if (name === "SecurityError") {
    const message = "the browser refuses passkeys for this page: rpId should be its domain or a parent of it";
    return new ConfigError("invalid_option", message, "rpId", { cause });
  }
  if (name === "NotSupportedError" || name === "ConstraintError") {
    const message = "no authenticator here can make such a passkey: choose another protection here";
    return new ProtectionError("unsupported", message, {}, { cause });
  }
  const message = "the passkey was not given: cancelled, out of time, or it is not on this device. Ask again";
  return new ProtectionError("cancelled", message, {}, { cause });
}

function withoutPrf(): ProtectionError {
  const message = "browser or authenticator lacks WebAuthn's PRF extension: choose another protection here";
  return new ProtectionError("unsupported", message);
}

/** Where the browser says so beforehand, nobody has to make a passkey in vain. */
async function lacksPrf(): Promise<boolean> {
  const { getClientCapabilities } = PublicKeyCredential as { getClientCapabilities?: () => Promise<object> };
  const known = await getClientCapabilities?.call(PublicKeyCredential).catch(() => undefined);
  return (known as Record<string, unknown> | undefined)?.["extension:prf"] === false;
}

/**
 * The 32 bytes that WebAuthn Level 3 section 10.1.4 says. Of an answer that is shorter, anybody could guess the key; and what
 * stands between page and authenticator (an extension, a polyfill) may answer with anything.
 */
function answerOf(source: unknown): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(source);
  if (bytes?.length === ANSWER_BYTES) return bytes;
  const found = bytes === undefined ? `something else than bytes (${typeof source})` : `${bytes.length} bytes`;
  const message = `WebAuthn's PRF extension gave ${found} and not ${ANSWER_BYTES} bytes: choose another protection here`;
  throw new ProtectionError("unsupported", message);
}

const ANSWER_BYTES = 32;

function bytesOf(source: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength);
  }
  // Also of another realm, as an extension's is.
  const isBuffer = Object.prototype.toString.call(source) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(source as ArrayBuffer) : undefined;
}
