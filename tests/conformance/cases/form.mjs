// What is not a token at all: segments, base64url, size, and values that are not strings. Everything is signed all the
// same, so that nothing but its form is at fault.
import { AUDIENCE, CLAIMS, ISSUER, segment, signed, signedText, special } from "../tokens.mjs";

const HEADER = { alg: "EdDSA" };
const MALFORMED = { code: "malformed" };

export function groups(keys) {
  const options = { jwks: [keys.ed25519.jwk], issuer: ISSUER, audience: AUDIENCE };
  const token = signed(keys.ed25519, HEADER);
  return [
    { name: "segments", options, cases: segments(keys.ed25519, token) },
    { name: "base64url", options, cases: base64url(keys.ed25519) },
    { name: "white space", options, cases: whiteSpace(keys.ed25519, token) },
    { name: "not a string", options, cases: notStrings(token) },
    { name: "strange strings", options, cases: strangeStrings(token) },
    ...sizes(keys, options),
  ];
}

function segments(key, token) {
  const [header, payload, signature] = token.split(".");
  const jwe = `${segment({ alg: "RSA-OAEP", enc: "A256GCM" })}.${segment("key")}.${segment("iv")}.${segment("text")}.${segment("tag")}`;
  const malformed = {
    "nothing at all": "",
    "one dot": ".",
    "two dots": "..",
    "one segment": header,
    "two segments": `${header}.${payload}`,
    "four segments": `${token}.${signature}`,
    "four segments, the last empty": `${token}.`,
    "four segments, the first empty": `.${token}`,
    "five segments": `${token}.${payload}.${signature}`,
    "a JWE": jwe,
    "an empty header": signedText(key, "EdDSA", "", payload),
    "an empty payload": signedText(key, "EdDSA", header, ""),
    "JSON serialisation": JSON.stringify({ protected: header, payload, signature }),
    "Bearer in front": `Bearer ${token}`,
    "in quotes": `"${token}"`,
    "two tokens": `${token},${token}`,
    "percent-encoded dots": token.replaceAll(".", "%2E"),
    "full-width dots": token.replaceAll(".", "\uff0e"),
  };
  return [
    ...refused(malformed),
    { name: "as it should be", token, expect: { claims: CLAIMS, header: HEADER } },
    { name: "an empty signature", token: `${header}.${payload}.`, expect: { code: "bad_signature" } },
  ];
}

function base64url(key) {
  // Members of different lengths make segments end in each way: 0, 2 or 3 characters past a multiple of four.
  const fillers = ["", "x", "xx"];
  const cases = fillers.flatMap((filler) => {
    const header = segment({ ...HEADER, filler });
    const payload = segment({ ...CLAIMS, filler });
    const over = `${payload.length % 4} characters over`;
    return [
      {
        name: `canonical, ${over}`,
        token: signedText(key, "EdDSA", header, payload),
        expect: { claims: { ...CLAIMS, filler } },
      },
      ...inEachSegment(key, header, payload, `padded, ${over}`, (text) => text + "=".repeat(4 - (text.length % 4))),
      ...inEachSegment(key, header, payload, `last bits not zero, ${over}`, notCanonical),
      ...inEachSegment(key, header, payload, `one over a multiple of four, ${over}`, (text) =>
        text.padEnd(Math.ceil(text.length / 4) * 4 + 1, "A"),
      ),
    ];
  });
  const [header, payload] = [segment(HEADER), segment(CLAIMS)];
  for (const [what, character] of Object.entries({
    "a plus": "+",
    "a slash": "/",
    "a tilde": "~",
    "an asterisk": "*",
    NUL: "\0",
    "a letter beyond ASCII": "\u00e9",
    "a full-width letter": "\uff21",
    "half an emoji": "\ud83d",
  })) {
    cases.push(
      ...inEachSegment(
        key,
        header,
        payload,
        `${what} inside`,
        (text) => `${text.slice(0, 4)}${character}${text.slice(5)}`,
      ),
    );
  }
  return [...cases, ...standardAlphabet(key)];
}

/** One token for each segment that can be changed so. The signature is over the changed text where that is possible. */
function inEachSegment(key, header, payload, name, change) {
  const [first, second, signature] = signedText(key, "EdDSA", header, payload).split(".");
  const tokens = {
    header: signedText(key, "EdDSA", change(header), payload),
    payload: signedText(key, "EdDSA", header, change(payload)),
    signature: `${first}.${second}.${change(signature)}`,
  };
  const before = { header, payload, signature };
  return Object.entries(tokens)
    .filter(([part]) => change(before[part]) !== before[part])
    .map(([part, token]) => ({ name: `${name}: ${part}`, token, expect: MALFORMED }));
}

/** The next character as the last one: the same bytes for a decoder that is not strict. Of no use without unused bits. */
function notCanonical(text) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.length % 4 === 0 ? text : text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)) + 1];
}

/** A token with `-` or `_` in its signature, written with `+` and `/`. */
function standardAlphabet(key) {
  for (let jti = 0; ; jti += 1) {
    const token = signed(key, HEADER, { ...CLAIMS, jti: String(jti) });
    const [header, payload, signature] = token.split(".");
    if (!/-/.test(signature) || !/_/.test(signature)) continue;
    const standard = signature.replaceAll("-", "+").replaceAll("_", "/");
    return [
      { name: "the URL-safe alphabet", token, expect: { claims: { ...CLAIMS, jti: String(jti) } } },
      { name: "the standard alphabet", token: `${header}.${payload}.${standard}`, expect: MALFORMED },
    ];
  }
}

function whiteSpace(key, token) {
  const [header, payload, signature] = token.split(".");
  const spaces = {
    "a space": " ",
    "a tab": "\t",
    LF: "\n",
    CR: "\r",
    "CR LF": "\r\n",
    "a no-break space": "\u00a0",
    BOM: "\ufeff",
  };
  return Object.entries(spaces).flatMap(([name, space]) =>
    refused({
      [`${name} before`]: space + token,
      [`${name} after`]: token + space,
      [`${name} before the payload`]: `${header}.${space}${payload}.${signature}`,
      [`${name} in the header, signed`]: signedText(
        key,
        "EdDSA",
        header.slice(0, 4) + space + header.slice(4),
        payload,
      ),
      [`${name} in the payload, signed`]: signedText(
        key,
        "EdDSA",
        header,
        payload.slice(0, 64) + space + payload.slice(64),
      ),
      [`${name} in the signature`]: `${header}.${payload}.${signature.slice(0, 43)}${space}${signature.slice(43)}`,
    }),
  );
}

function notStrings(token) {
  return refused({
    undefined: special.undefined,
    null: null,
    "a number": 5,
    NaN: special.NaN,
    "a boolean": true,
    "a symbol": special.symbol,
    "a BigInt": special.bigint,
    "a function": special.function,
    "an object": {},
    "an array": [token],
    "its segments": token.split("."),
    "its bytes": special.bytes(token),
    "a String object": special.stringObject(token),
    "an object that turns into it": special.withToString(token),
  });
}

function strangeStrings(token) {
  return refused({
    "a lone surrogate": "\ud800",
    "lone surrogates around dots": "\udfff.\ud800.\udc00",
    "a lone surrogate after": `${token}\ud800`,
    "a lone surrogate before": `\udc00${token}`,
    "NUL after": `${token}\0`,
    "only NULs": "\0\0\0",
    emoji: "\u{1f600}.\u{1f600}.\u{1f600}",
    "a right-to-left mark after": `${token}\u200f`,
  });
}

function sizes({ ed25519 }, options) {
  const large = { ...options, maxTokenBytes: 1 << 20 };
  const exact = 16_384;
  const tooLarge = (bytes) => ({ code: "too_large", expected: exact, actual: bytes });
  return [
    {
      name: "size",
      options,
      cases: [
        { name: "as long as may be", token: ofLength(ed25519, exact), expect: { header: HEADER } },
        { name: "one byte longer", token: `${ofLength(ed25519, exact)}A`, expect: tooLarge(exact + 1) },
        { name: "megabytes of dots", token: special.repeated(".", 5_000_000), expect: tooLarge(5_000_000) },
        { name: "megabytes of letters", token: special.repeated("A", 5_000_000), expect: tooLarge(5_000_000) },
        {
          name: "short in UTF-16, too long in UTF-8",
          token: special.repeated("\u20ac", 10_000),
          expect: tooLarge(30_000),
        },
        { name: "size comes before form", token: special.repeated(" ", 16_385), expect: tooLarge(16_385) },
        { name: "form once the size is right", token: special.repeated(" ", 16_384), expect: MALFORMED },
      ],
    },
    {
      name: "size, the greatest limit",
      options: large,
      cases: [
        { name: "a megabyte of dots", token: special.repeated(".", 1 << 20), expect: MALFORMED },
        { name: "a megabyte of letters", token: special.repeated("A", 1 << 20), expect: MALFORMED },
        { name: "a large token", token: ofLength(ed25519, 200_000), expect: { header: HEADER } },
        { name: "more dots", token: special.repeated(".", (1 << 20) + 1), expect: { code: "too_large" } },
      ],
    },
    {
      name: "size, the least limit",
      options: { ...options, maxTokenBytes: 1 },
      cases: [
        { name: "nothing", token: "", expect: MALFORMED },
        { name: "two dots", token: "..", expect: { code: "too_large" } },
      ],
    },
  ];
}

/** A token of exactly so many characters, a multiple of four. */
function ofLength(key, length) {
  const token = signed(key, HEADER, { ...CLAIMS, filler: "" });
  const missing = length - token.length;
  for (let filler = Math.floor(missing * 0.75) - 3; ; filler += 1) {
    const longer = signed(key, HEADER, { ...CLAIMS, filler: "x".repeat(filler) });
    if (longer.length >= length) return longer;
  }
}

function refused(tokens) {
  return Object.entries(tokens).map(([name, token]) => ({ name, token, expect: MALFORMED }));
}
