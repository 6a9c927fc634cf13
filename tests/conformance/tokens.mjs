// Tokens written by hand: any header, any payload, any bytes, signed all the same.

export const NOW = 1_760_000_000;
export const ISSUER = "https://login.example";
export const AUDIENCE = "app";

/** Claims that hold. */
export const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: "user-1", iat: NOW - 10, exp: NOW + 300 };

/** base64url of bytes, of text, or of a value as JSON. */
export function segment(content) {
  const bytes = typeof content === "string" || ArrayBuffer.isView(content) ? content : JSON.stringify(content);
  return rewritten(Buffer.from(bytes)).toString("base64url");
}

/** Makes tokens with another header parameter: of whatever JSON or near-JSON a segment holds, `from` becomes `to`. */
export async function withHeaders(from, to, make) {
  rewritten = (bytes) => Buffer.from(bytes.toString("latin1").replaceAll(from, to), "latin1");
  try {
    return await make();
  } finally {
    rewritten = (bytes) => bytes;
  }
}

let rewritten = (bytes) => bytes;

/** A token whose signature holds, whatever header and payload are. */
export function signed(key, header, payload = CLAIMS, alg = header.alg) {
  return signedText(key, alg, segment(header), segment(payload));
}

/** The same from segments that are already text. */
export function signedText(key, alg, header, payload) {
  return `${header}.${payload}.${segment(key.sign(alg, Buffer.from(`${header}.${payload}`)))}`;
}

/** A token with any signature: bytes, or a function that makes them from what is to be signed. */
export function withSignature(header, payload, signature) {
  const message = `${segment(header)}.${segment(payload)}`;
  return `${message}.${segment(typeof signature === "function" ? signature(Buffer.from(message)) : signature)}`;
}

/** A value that JSON cannot say, for `revive` of suite.mjs. */
export const special = {
  undefined: { $: "undefined" },
  NaN: { $: "NaN" },
  Infinity: { $: "Infinity" },
  symbol: { $: "symbol" },
  bigint: { $: "bigint" },
  function: { $: "function" },
  bytes: (text) => ({ $: "bytes", text }),
  stringObject: (text) => ({ $: "stringObject", text }),
  withToString: (text) => ({ $: "withToString", text }),
  returning: (value) => ({ $: "returning", value }),
  promising: (value) => ({ $: "promising", value }),
  repeated: (text, times) => ({ $: "repeated", text, times }),
};
