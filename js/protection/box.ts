import { ProtectionError } from "../errors.js";

// AES-GCM (NIST SP 800-38D) with a random IV of 96 bits for each text: one key is good for 2^32 of them. The first
// character is the version of the form; version and context are associated data, so nothing can be swapped.

const VERSION = 1;
const IV_BYTES = 12;

/** What a text is for; what was sealed for one purpose cannot be opened for another. */
export type Context = readonly string[];

export async function sealBytes(key: CryptoKey, bytes: BufferSource, context: Context): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: associated(context) }, key, bytes);
  return `${VERSION}.${toBase64(iv)}.${toBase64(new Uint8Array(box))}`;
}

/** Rejects with a {@link ProtectionError} `damaged`, whatever is wrong. */
export async function openBytes(key: CryptoKey, sealed: string, context: Context): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const [version, iv, box, ...more] = sealed.split(".");
    if (version !== String(VERSION) || iv === undefined || box === undefined || more.length > 0) throw damaged();
    const parameters = { name: "AES-GCM", iv: fromBase64(iv), additionalData: associated(context) };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, fromBase64(box)));
  } catch (cause) {
    throw damaged(cause);
  }
}

export function sealText(key: CryptoKey, text: string, context: Context): Promise<string> {
  return sealBytes(key, new TextEncoder().encode(text), context);
}

export async function openText(key: CryptoKey, sealed: string, context: Context): Promise<string> {
  const bytes = await openBytes(key, sealed, context);
  const text = new TextDecoder().decode(bytes);
  bytes.fill(0);
  return text;
}

/** Whether a text has the form that this module gives; nothing that JSON can be. */
export function isSealed(text: string): boolean {
  return /^\d+\.[\w-]+\.[\w-]+$/.test(text);
}

/** A secure context: WebCrypto is not there on plain http, except on loopback. */
export function webCryptoIsThere(): boolean {
  return typeof crypto !== "undefined" && crypto.subtle !== undefined;
}

/** A key for this module out of 32 bytes, which are then zero. */
export async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  } finally {
    bytes.fill(0);
  }
}

export function damaged(cause?: unknown): ProtectionError {
  if (cause instanceof ProtectionError) return cause;
  const message = "what is kept was altered, or sealed with another key: delete it and sign in again";
  return new ProtectionError("damaged", message, {}, { cause });
}

export function unsupported(what: string): ProtectionError {
  return new ProtectionError("unsupported", `${what}: choose another protection here`);
}

export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Throws a {@link ProtectionError} `damaged` for what is not base64url. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]*$/.test(text)) throw damaged();
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch (cause) {
    throw damaged(cause);
  }
}

function associated(context: Context): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(["tokenward", VERSION, ...context]));
}
