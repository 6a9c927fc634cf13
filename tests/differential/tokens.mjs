// Good tokens and mutated ones, the same for the same seed.
import { segment, signedText } from "../conformance/tokens.mjs";
import { randomFrom } from "../random.mjs";

const SIGNERS = [
  ["RS256", "rsa2048"],
  ["RS512", "rsa2048"],
  ["PS256", "rsa2048"],
  ["PS384", "rsa2048"],
  ["ES256", "p256"],
  ["ES384", "p384"],
  ["ES512", "p521"],
  ["EdDSA", "ed25519"],
];

/** Each way to spoil a token, or not: it changes the parts before signing, or the text after. */
const CHANGES = {
  none: {},
  "more claims": { claims: (random) => ({ n: random(), role: ["a", { b: null }], text: "é😀" }) },
  expired: { claims: (random, claims) => ({ exp: claims.iat - Math.floor(random() * 1000) }) },
  "exp near the edge": { claims: (random, claims) => ({ exp: claims.iat + 10 - 7 + Math.floor(random() * 5) }) },
  "fraction of a second": {
    claims: (random, claims) => ({ exp: claims.iat + 10 - 5 + random() / 2, nbf: claims.iat + 15.25 * random() }),
  },
  "not yet": { claims: (random, claims) => ({ nbf: claims.exp + Math.floor(random() * 100) }) },
  "iat ahead": { claims: (_, claims) => ({ iat: claims.exp }) },
  "no exp": { claims: () => ({ exp: undefined }) },
  "exp of another type": { claims: (random) => ({ exp: pick(random, ["1760000300", null, [], true]) }) },
  "iss of another type": { claims: (random) => ({ iss: pick(random, [5, ["https://login.example"], null]) }) },
  "sub of another type": { claims: (random) => ({ sub: pick(random, [5, [], null]) }) },
  "jti of another type": { claims: (random) => ({ jti: pick(random, [5, {}, false]) }) },
  "aud of another type": { claims: (random) => ({ aud: pick(random, [["app", 5], ["app", null], 5]) }) },
  "another iss": {
    claims: (random) => ({ iss: pick(random, ["https://login.example/", "https://login", "", undefined]) }),
  },
  "another aud": { claims: (random) => ({ aud: pick(random, ["app2", ["x"], [], "", undefined]) }) },
  "aud in a list": { claims: () => ({ aud: ["x", "app"] }) },
  "overflow in a claim": { payload: (text) => text.replace("{", '{"n":[1e400],') },
  "overflow in exp": { payload: (text) => text.replace(/"exp":\d+/, '"exp":1e400') },
  "duplicate claim": { payload: (text) => text.replace("{", '{"sub":"user-2",') },
  "duplicate, escaped": { payload: (text) => text.replace("{", '{"\\u0073ub":"user-2",') },
  "duplicate parameter": { header: (text) => text.replace("{", '{"kid":"other",') },
  "lone surrogate": { payload: (text) => text.replace("{", '{"x":"\\ud800",') },
  "deep claims": { payload: (text) => text.replace("{", `{"x":${"[".repeat(80)}${"]".repeat(80)},`) },
  "spaces inside JSON": { payload: (text) => text.replaceAll(",", " ,\r\n\t") },
  "byte order mark": { payload: (text) => `\ufeff${text}` },
  "cut JSON": { payload: (text) => text.slice(0, -1) },
  "not an object": { payload: () => "[]" },
  "typ of another type": { header: (text) => text.replace("{", '{"typ":5,') },
  "kid of another type": { header: (text) => text.replace(/"kid":"[^"]*"/, '"kid":5') },
  "unknown kid": { header: (text) => text.replace(/"kid":"/, '"kid":"x') },
  "no kid": { header: (text) => text.replace(/,"kid":"[^"]*"/, "") },
  "another alg": {
    header: (text, random) =>
      text.replace(/"alg":"[^"]*"/, `"alg":"${pick(random, ["none", "HS256", "ES256K", "rs256", "RS384"])}"`),
  },
  "crit unknown": { header: (text) => text.replace("{", '{"crit":["x"],"x":1,') },
  "b64 true": { header: (text) => text.replace("{", '{"crit":["b64"],"b64":true,') },
  "a character changed": { token: (token, random) => replaceAt(token, random, pick(random, [..."Aaz09-_.=+/ \n"])) },
  "a character lost": { token: (token, random) => replaceAt(token, random, "") },
  "last bits of a segment": { token: (token, random) => lastBits(token, random) },
  "padding after a segment": {
    token: (token, random) => atSegment(token, random, (text) => text + "=".repeat((4 - (text.length % 4)) % 4 || 4)),
  },
  "white space in a segment": {
    token: (token, random) => atSegment(token, random, (text) => `${text.slice(0, 4)} ${text.slice(4)}`),
  },
  "a segment lost": { token: (token) => token.split(".").slice(1).join(".") },
  "no signature": { token: (token) => token.replace(/[^.]*$/, "") },
};

/** @returns {Generator<{ change: string, token: string }>} */
export function* makeTokens(keys, claims, seed, count) {
  const random = randomFrom(seed);
  const names = Object.keys(CHANGES);
  for (let index = 0; index < count; index += 1) {
    const change = random() < 0.2 ? "none" : pick(random, names);
    const [alg, name] = pick(random, SIGNERS);
    const how = CHANGES[change];
    const header = JSON.stringify({ alg, kid: name });
    const payload = JSON.stringify({ ...claims, ...how.claims?.(random, claims) });
    const parts = [how.header?.(header, random) ?? header, how.payload?.(payload, random) ?? payload];
    const token = signedText(keys[name], alg, ...parts.map(segment));
    yield { change, token: how.token?.(token, random) ?? token };
  }
}

function atSegment(token, random, change) {
  const segments = token.split(".");
  const index = Math.floor(random() * 3);
  segments[index] = change(segments[index]);
  return segments.join(".");
}

/** Sets bits that canonical base64url leaves zero, in the signature. */
function lastBits(token, random) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const over = token.split(".")[2].length % 4;
  if (over === 0) return token;
  const value = alphabet.indexOf(token.at(-1));
  const spare = over === 2 ? 15 : 3;
  return token.slice(0, -1) + alphabet[value | (1 + Math.floor(random() * spare))];
}

function replaceAt(token, random, text) {
  const index = Math.floor(random() * token.length);
  return token.slice(0, index) + text + token.slice(index + 1);
}

function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}
