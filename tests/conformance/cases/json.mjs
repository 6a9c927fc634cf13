// JSON that other readers take, or read as something else: in the header and in the payload, always signed.
import { AUDIENCE, CLAIMS, ISSUER, NOW, segment, signed, signedText } from "../tokens.mjs";

const HEADER = '{"alg":"EdDSA"}';
const MALFORMED = { code: "malformed" };
/** Claims that hold, as text to put members after. */
const OPEN = JSON.stringify(CLAIMS).slice(0, -1);

export function groups({ ed25519 }) {
  const options = { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE };
  const large = { ...options, maxTokenBytes: 1 << 20 };
  return [
    { name: "JSON of the header", options, cases: inHeader(ed25519) },
    { name: "JSON of the payload", options, cases: inPayload(ed25519) },
    { name: "duplicate members", options, cases: duplicates(ed25519) },
    { name: "text encodings", options, cases: encodings(ed25519) },
    { name: "depth", options: large, cases: depths(ed25519) },
    { name: "depth, with the default size", options, cases: [tooDeepToRead(ed25519)] },
    { name: "prototypes", options, cases: prototypes(ed25519) },
    { name: "values", options, cases: values(ed25519) },
  ];
}

/** What is no JSON object, whatever stands around it. */
const NO_OBJECTS = {
  "an array": "[]",
  "a string": '"text"',
  "a number": "5",
  null: "null",
  true: "true",
  "white space": " ",
  "an unfinished object": '{"alg":"EdDSA"',
  "two objects": "{}{}",
  "NUL after": `${HEADER}\0`,
  "a semicolon after": `${HEADER};`,
};

/** What is no JSON; `$` is the member that a lenient reader would find. */
const NO_JSON = {
  "a comma too many": "{$,}",
  "a comma in front": "{,$}",
  "single quotes": "{$,'x':1}",
  "no quotes": "{$,x:1}",
  "a comment": "{$/**/}",
  "a line comment": "{$//\n}",
  NaN: '{$,"x":NaN}',
  Infinity: '{$,"x":Infinity}',
  undefined: '{$,"x":undefined}',
  True: '{$,"x":True}',
  "a plus sign": '{$,"x":+1}',
  "a leading zero": '{$,"x":01}',
  "two minus signs": '{$,"x":--1}',
  hexadecimal: '{$,"x":0x10}',
  "no digit before the point": '{$,"x":.5}',
  "no digit after the point": '{$,"x":1.}',
  "no exponent": '{$,"x":1e}',
  "a number with spaces": '{$,"x":1 000}',
  "an unknown escape": '{$,"x":"\\x41"}',
  "a short escape": '{$,"x":"\\u12"}',
  "an escaped single quote": '{$,"x":"\\\'"}',
  "a line end in a string": '{$,"x":"\n"}',
  "a tab in a string": '{$,"x":"\t"}',
  "NUL in a string": '{$,"x":"\0"}',
  "a no-break space between": '{$,\u00a0"x":1}',
  "a form feed between": '{$,\f"x":1}',
  "a byte order mark": "\ufeff{$}",
  "a byte order mark inside": "{\ufeff$}",
  "a lone high surrogate": '{$,"x":"\\ud800"}',
  "a lone low surrogate": '{$,"x":"\\udc00"}',
  "surrogates the wrong way round": '{$,"x":"\\udc00\\ud800"}',
  "a high surrogate before a letter": '{$,"x":"\\ud800A"}',
  "a lone surrogate in a name": '{$,"\\udbff":1}',
  "a lone surrogate deep inside": '{$,"x":[{"y":["\\ud83d"]}]}',
};

function inHeader(key) {
  const texts = { ...NO_OBJECTS, ...withMember(NO_JSON, '"alg":"EdDSA"') };
  return [
    ...Object.entries(texts).map(([name, text]) => refused(name, signed(key, text, CLAIMS, "EdDSA"))),
    {
      name: "white space that JSON allows",
      token: signed(key, ' \t\r\n{ "alg" :\n"EdDSA" , "x" : [ 1 , { } ] } ', CLAIMS, "EdDSA"),
      expect: { claims: CLAIMS, header: { alg: "EdDSA", x: [1, {}] } },
    },
    {
      name: "escapes",
      token: signed(key, '{"\\u0061lg":"Ed\\u0044SA"}', CLAIMS, "EdDSA"),
      expect: { claims: CLAIMS, header: { alg: "EdDSA" } },
    },
    { name: "an empty object", token: signed(key, "{}", CLAIMS, "EdDSA"), expect: { code: "unsupported_algorithm" } },
  ];
}

function inPayload(key) {
  const texts = { ...NO_OBJECTS, ...withMember(NO_JSON, OPEN.slice(1)) };
  return [
    ...Object.entries(texts).map(([name, text]) => refused(name, signed(key, HEADER, text, "EdDSA"))),
    payload(key, "white space that JSON allows", ` \n\t\r${OPEN} , "x" : [ ] }\r\n`, { x: [] }),
    payload(key, "escapes", `${OPEN},"\\u0078":"\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\"\\\\\\u0000"}`, {
      x: '\u{1f600}/\b\f\n\r\t"\\\0',
    }),
    {
      name: "an empty object",
      token: signed(key, HEADER, "{}", "EdDSA"),
      expect: { code: "missing_claim", claim: "iss" },
    },
  ];
}

function withMember(texts, member) {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.replace("$", () => member)]));
}

function duplicates(key) {
  const headers = {
    "alg twice, the same": '{"alg":"EdDSA","alg":"EdDSA"}',
    "alg twice, none first": '{"alg":"none","alg":"EdDSA"}',
    "alg twice, none last": '{"alg":"EdDSA","alg":"none"}',
    "alg escaped": '{"alg":"EdDSA","\\u0061lg":"none"}',
    "alg escaped in capitals": '{"\\u0061\\u006C\\u0067":"EdDSA","alg":"EdDSA"}',
    "kid twice": '{"alg":"EdDSA","kid":"a","kid":"b"}',
    "far apart": `{"alg":"EdDSA",${Array.from({ length: 40 }, (_, index) => `"m${index}":0`).join()},"alg":"EdDSA"}`,
    nested: '{"alg":"EdDSA","x":{"a":1,"a":1}}',
    "nested in an array": '{"alg":"EdDSA","x":[[{"a":1,"a":2}]]}',
    __proto__: '{"alg":"EdDSA","__proto__":1,"__proto__":2}',
    "the empty name": '{"alg":"EdDSA","":1,"":2}',
  };
  const payloads = {
    "iss twice": `${OPEN},"iss":${JSON.stringify(ISSUER)}}`,
    "another iss": `{"iss":"https://evil.example",${OPEN.slice(1)}}`,
    "exp twice": `${OPEN},"exp":${NOW + 9000}}`,
    "exp escaped": `${OPEN},"e\\u0078p":${NOW + 9000}}`,
    "an astral name spelled in two ways": `${OPEN},"\u{1f600}":1,"\\uD83D\\uDE00":1}`,
    "an escaped slash": `${OPEN},"a/b":1,"a\\/b":1}`,
    nested: `${OPEN},"x":{"y":{"role":"user","role":"admin"}}}`,
    constructor: `${OPEN},"constructor":1,"constructor":1}`,
  };
  return [
    ...Object.entries(headers).map(([name, text]) => refused(`header: ${name}`, signed(key, text, CLAIMS, "EdDSA"))),
    ...Object.entries(payloads).map(([name, text]) => refused(`payload: ${name}`, signed(key, HEADER, text, "EdDSA"))),
    payload(key, "names that differ in case", `${OPEN},"ISS":"x","Exp":1}`, { ISS: "x", Exp: 1 }),
    payload(key, "names that differ in normal form", `${OPEN},"\u00e9":1,"e\u0301":2}`, { "\u00e9": 1, "e\u0301": 2 }),
    payload(key, "the same name in different objects", `${OPEN},"x":[{"a":1},{"a":1}],"a":1}`, {
      x: [{ a: 1 }, { a: 1 }],
      a: 1,
    }),
  ];
}

function encodings(key) {
  const bytes = {
    "a lone continuation byte": [0x80],
    "an unfinished sequence": [0xc3],
    "an overlong slash": [0xc0, 0xaf],
    "an overlong NUL": [0xc0, 0x80],
    "an encoded surrogate": [0xed, 0xa0, 0x80],
    "surrogates as in CESU-8": [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
    "a code point beyond Unicode": [0xf4, 0x90, 0x80, 0x80],
    "the byte FF": [0xff],
    "Latin-1": [0xe9],
  };
  const cases = Object.entries(bytes).flatMap(([name, sequence]) => {
    const inside = (before) => Buffer.concat([Buffer.from(before), Buffer.from(sequence), Buffer.from('":1}')]);
    return [
      refused(`header: ${name}`, signed(key, inside('{"alg":"EdDSA","'), CLAIMS, "EdDSA")),
      refused(`payload: ${name}`, signed(key, HEADER, inside(`${OPEN},"`), "EdDSA")),
    ];
  });
  return [
    ...cases,
    refused("header in UTF-16", signed(key, Buffer.from(HEADER, "utf16le"), CLAIMS, "EdDSA")),
    refused("payload in UTF-16", signed(key, HEADER, Buffer.from(`\ufeff${OPEN}}`, "utf16le"), "EdDSA")),
    payload(key, "UTF-8", `${OPEN},"\u00fc\u20ac\u{1f600}":"\u007f\u2028\u{10ffff}"}`, {
      "\u00fc\u20ac\u{1f600}": "\u007f\u2028\u{10ffff}",
    }),
  ];
}

function depths(key) {
  const arrays = (levels) => "[".repeat(levels) + "]".repeat(levels);
  const objects = (levels) => '{"a":'.repeat(levels) + 1 + "}".repeat(levels);
  // The payload is the first level itself.
  const nested = (text) => `${OPEN},"x":${text}}`;
  const expected = JSON.parse(arrays(63));
  return [
    payload(key, "64 levels", nested(arrays(63)), { x: expected }),
    payload(key, "64 levels of objects", nested(objects(63)), { x: JSON.parse(objects(63)) }),
    refused("65 levels", signed(key, HEADER, nested(arrays(64)), "EdDSA")),
    refused("65 levels of objects", signed(key, HEADER, nested(objects(64)), "EdDSA")),
    refused("20,000 levels", signed(key, HEADER, nested(arrays(20_000)), "EdDSA")),
    refused("20,000 levels of objects", signed(key, HEADER, nested(objects(20_000)), "EdDSA")),
    refused("20,000 levels that never close", signed(key, HEADER, '{"x":'.repeat(20_000), "EdDSA")),
    refused("20,000 levels in the header", signed(key, `{"alg":"EdDSA","x":${arrays(20_000)}}`, CLAIMS, "EdDSA")),
  ];
}

function tooDeepToRead(key) {
  const header = segment(`{"alg":"EdDSA","x":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
  return {
    name: "20,000 levels",
    token: signedText(key, "EdDSA", header, segment(CLAIMS)),
    expect: { code: "too_large" },
  };
}

/** Claims with the names of what every object inherits are own members, and nothing else becomes one. */
function prototypes(key) {
  const texts = {
    __proto__: '"__proto__":{"polluted":true}',
    "__proto__ that is a string": '"__proto__":"text"',
    "__proto__ that is null": '"__proto__":null',
    "__proto__ escaped": '"\\u005f_proto__":{"polluted":true}',
    constructor: '"constructor":{"prototype":{"polluted":true}}',
    prototype: '"prototype":{"polluted":true}',
    "names of methods": '"toString":1,"valueOf":2,"hasOwnProperty":3,"toJSON":4,"then":5',
    nested: '"x":{"__proto__":{"polluted":true},"y":[{"__proto__":{"__proto__":1}}]}',
  };
  const cases = Object.entries(texts).flatMap(([name, members]) => [
    payload(key, name, `${OPEN},${members}}`, JSON.parse(`{${members}}`)),
    {
      name: `${name}, in the header`,
      token: signed(key, `{"alg":"EdDSA",${members}}`, CLAIMS, "EdDSA"),
      expect: { header: JSON.parse(`{"alg":"EdDSA",${members}}`) },
    },
  ]);
  const hidden = (members) => signed(key, HEADER, `{"__proto__":${JSON.stringify(members)}}`, "EdDSA");
  return [
    ...cases,
    {
      name: "claims inside __proto__ are no claims",
      token: hidden(CLAIMS),
      expect: { code: "missing_claim", claim: "iss" },
    },
    {
      name: "alg inside __proto__ is no alg",
      token: signed(key, '{"__proto__":{"alg":"EdDSA"}}', CLAIMS, "EdDSA"),
      expect: { code: "unsupported_algorithm" },
    },
  ];
}

function values(key) {
  const texts = [
    "[0,1,-1,1.5,1e3,1E+2,1e-2,9007199254740991,-9007199254740993,0.1,1e308,5e-324,1e-400]",
    "[123456789012345678901234567890,0.30000000000000004,1.7976931348623157e308,2.2250738585072014e-308]",
    '["",null,true,false,[],{},[[[]]],{"a":{"b":{}}}]',
    `"${"long ".repeat(500)}"`,
    '{"":"the empty name"," ":1,"\\u0000":2}',
  ];
  return texts.map((text, index) =>
    payload(key, `values ${index + 1}`, `${OPEN},"x":${text}}`, { x: JSON.parse(text) }),
  );
}

function payload(key, name, text, more) {
  const claims = JSON.parse(`${OPEN}}`);
  for (const [member, value] of Object.entries(more)) {
    Object.defineProperty(claims, member, { value, enumerable: true, configurable: true, writable: true });
  }
  return { name, token: signed(key, HEADER, text, "EdDSA"), expect: { claims } };
}

function refused(name, token) {
  return { name, token, expect: MALFORMED };
}
