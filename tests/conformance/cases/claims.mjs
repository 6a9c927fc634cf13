// What the claims must say: registered claims and their types, issuer, audience, subject, and claims of one's own.
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed, special } from "../tokens.mjs";

const HEADER = { alg: "EdDSA" };

export function groups({ ed25519, otherEd25519 }) {
  const of = (claims) => signed(ed25519, HEADER, claims);
  const group = (name, options, cases) => ({
    name,
    options: { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE, ...options },
    cases: cases.map(([title, claims, expect]) => ({ name: title, token: of(claims), expect: expect ?? { claims } })),
  });
  return [
    ...issuers(group),
    ...audiences(group),
    ...subjects(group),
    ...ownClaims(group),
    ...requiredClaims(group),
    group("types of registered claims", { issuer: null, audience: null, requireExp: false }, types()),
    group("numbers beyond doubles", {}, overflows()),
    group(
      "order of claims",
      { subject: "user-1", requiredClaims: ["scope"], claims: { role: "admin" }, maxTokenAge: 60 },
      order(),
    ),
    {
      name: "claims are not shown before the signature held",
      options: { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE },
      cases: [
        {
          name: "a wrong issuer",
          token: signed(otherEd25519, HEADER, { ...CLAIMS, iss: "https://evil.example" }),
          expect: { code: "bad_signature", ...nothing("claim", "expected", "actual") },
        },
      ],
    },
  ];
}

function issuers(group) {
  const mismatch = (expected) => (actual) => ({ code: "claim_mismatch", claim: "iss", expected, actual });
  const missing = { code: "missing_claim", claim: "iss", ...nothing("actual") };
  const { iss: _, ...without } = CLAIMS;
  const other = [
    ...["", "https://login.example/", "https://login.exampl", "https://login.example.evil", "HTTPS://LOGIN.EXAMPLE"],
    ...["https://login.example ", " https://login.example", "http://login.example", "https://login.example:443"],
    ...["https://login.example\0", "https://login.\u0435xample", "https://user@login.example"],
  ];
  const refused = (expected) => other.map((iss) => [JSON.stringify(iss), { ...CLAIMS, iss }, mismatch(expected)(iss)]);
  const invalid = [5, null, true, [ISSUER], { iss: ISSUER }, []].map((iss) => [
    `iss that is ${JSON.stringify(iss)}`,
    { ...CLAIMS, iss },
    { code: "invalid_claim", claim: "iss", actual: iss },
  ]);
  const several = ["https://a.example", ISSUER];
  return [
    group("iss", {}, [["as expected", CLAIMS], ...refused(ISSUER), ...invalid, ["absent", without, missing]]),
    group("iss, one of several", { issuer: several }, [
      ["the second", CLAIMS],
      ["the first", { ...CLAIMS, iss: "https://a.example" }],
      ...refused(several),
      ["both, as text", { ...CLAIMS, iss: several.join() }, mismatch(several)(several.join())],
      ["absent", without, missing],
    ]),
    group("iss, any", { issuer: null }, [
      ["another", { ...CLAIMS, iss: "https://other.example" }],
      ["absent", without],
      ["empty", { ...CLAIMS, iss: "" }],
      ...invalid,
    ]),
  ];
}

function audiences(group) {
  const mismatch = (aud, expected = AUDIENCE) => [
    `aud ${JSON.stringify(aud)}`,
    { ...CLAIMS, aud },
    { code: "claim_mismatch", claim: "aud", expected, actual: aud },
  ];
  const invalid = (aud) => [
    `aud ${JSON.stringify(aud)}`,
    { ...CLAIMS, aud },
    { code: "invalid_claim", claim: "aud", actual: aud },
  ];
  const { aud: _, ...without } = CLAIMS;
  const wrong = [
    "",
    "ap",
    "app2",
    "App",
    " app",
    "app ",
    "app,other",
    "*",
    [],
    ["other"],
    ["ap", "p"],
    ["app2", "APP"],
    [""],
  ];
  const wrongTypes = [5, null, true, {}, { app: 1 }, [5], ["app", 5], [null, "app"], [["app"]], [{ aud: "app" }]];
  return [
    group("aud", {}, [
      ["a string", CLAIMS],
      ["an array of it", { ...CLAIMS, aud: ["app"] }],
      ["an array with it", { ...CLAIMS, aud: ["other", "app", "more"] }],
      ["twice", { ...CLAIMS, aud: ["app", "app"] }],
      ...wrong.map((aud) => mismatch(aud)),
      ...wrongTypes.map(invalid),
      ["absent", without, { code: "missing_claim", claim: "aud" }],
    ]),
    group("aud, one of several", { audience: ["api", "app"] }, [
      ["one", CLAIMS],
      ["the other, in an array", { ...CLAIMS, aud: ["x", "api"] }],
      mismatch("x", ["api", "app"]),
      mismatch("api,app", ["api", "app"]),
      mismatch(["x", "y"], ["api", "app"]),
    ]),
    group("aud, any", { audience: null }, [
      ["another", { ...CLAIMS, aud: "other" }],
      ["none in an array", { ...CLAIMS, aud: [] }],
      ["absent", without],
      ...wrongTypes.map(invalid),
    ]),
    group("aud that objects inherit", { audience: ["constructor", "__proto__"] }, [
      mismatch("toString", ["constructor", "__proto__"]),
      ["the same as text", { ...CLAIMS, aud: "__proto__" }],
    ]),
  ];
}

function subjects(group) {
  const { sub: _, ...without } = CLAIMS;
  const mismatch = (sub) => [
    JSON.stringify(sub),
    { ...CLAIMS, sub },
    { code: "claim_mismatch", claim: "sub", expected: "user-1", actual: sub },
  ];
  return [
    group("sub", { subject: "user-1" }, [
      ["as expected", CLAIMS],
      ...["", "user-2", "USER-1", "user-1 ", "user-10"].map(mismatch),
      ["a number", { ...CLAIMS, sub: 1 }, { code: "invalid_claim", claim: "sub", actual: 1 }],
      ["absent", without, { code: "missing_claim", claim: "sub" }],
    ]),
    group("sub, empty and wanted so", { subject: "" }, [
      ["empty", { ...CLAIMS, sub: "" }],
      ["not empty", CLAIMS, { code: "claim_mismatch", claim: "sub", expected: "", actual: "user-1" }],
    ]),
  ];
}

/** Deep equality: of objects in any order, of arrays in theirs. */
function ownClaims(group) {
  const wanted = {
    role: "admin",
    level: 3,
    flags: [true, null, "x"],
    address: { city: "Z\u00fcrich", geo: { lat: 47.37, lon: 8.54 } },
    nothing: null,
  };
  const mismatch = (claim, actual) => ({ code: "claim_mismatch", claim, expected: wanted[claim], actual });
  const wrong = [
    ["role", "Admin"],
    ["role", ["admin"]],
    ["role", null],
    ["role", { admin: true }],
    ["level", 4],
    ["level", "3"],
    ["level", 3.0000000001],
    ["level", true],
    ["level", [3]],
    ["flags", [true, "x", null]],
    ["flags", [true, null]],
    ["flags", [true, null, "x", "y"]],
    ["flags", { 0: true, 1: null, 2: "x" }],
    ["address", { city: "Z\u00fcrich" }],
    ["address", { ...wanted.address, zip: 8000 }],
    ["address", { ...wanted.address, geo: { lat: 47.37, lon: 8.55 } }],
    ["address", { city: "Zu\u0308rich", geo: wanted.address.geo }],
    ["nothing", false],
    ["nothing", 0],
    ["nothing", ""],
    ["nothing", "null"],
  ];
  const inAnotherOrder = { address: { geo: { lon: 8.54, lat: 47.37 }, city: "Z\u00fcrich" } };
  const { role: _, ...withoutRole } = wanted;
  const { nothing: __, ...withoutNull } = wanted;
  const inherited = JSON.parse('{"__proto__":{"a":1},"constructor":"x"}');
  return [
    group("claims", { claims: wanted }, [
      ["as expected", { ...CLAIMS, ...wanted }],
      ["in another order", { ...inAnotherOrder, ...withoutNull, ...inAnotherOrder, nothing: null, ...CLAIMS }],
      ...wrong.map(([claim, actual]) => [
        `${claim} ${JSON.stringify(actual)}`,
        { ...CLAIMS, ...wanted, [claim]: actual },
        mismatch(claim, actual),
      ]),
      ["one absent", { ...CLAIMS, ...withoutRole }, { code: "missing_claim", claim: "role" }],
      ["null is not absence", { ...CLAIMS, ...withoutNull }, { code: "missing_claim", claim: "nothing" }],
    ]),
    group("claims that objects inherit", { claims: inherited }, [
      ["as expected", own(CLAIMS, inherited)],
      ["__proto__ absent", { ...CLAIMS, constructor: "x" }, { code: "missing_claim", claim: "__proto__" }],
      [
        "__proto__ another",
        own({ ...CLAIMS, constructor: "x" }, JSON.parse('{"__proto__":{"a":2}}')),
        { code: "claim_mismatch", claim: "__proto__", expected: { a: 1 }, actual: { a: 2 } },
      ],
    ]),
    group("claims with __proto__ inside", { claims: { role: "admin" } }, [
      [
        "in what was found",
        { ...CLAIMS, role: JSON.parse('{"__proto__":{"a":1}}') },
        { code: "claim_mismatch", claim: "role", expected: "admin", actual: JSON.parse('{"__proto__":{"a":1}}') },
      ],
    ]),
    group("no claims", { claims: {} }, [["anything", CLAIMS]]),
    group("registered claims among claims", { claims: { iat: NOW - 10, sub: "user-1" } }, [
      ["as expected", CLAIMS],
      [
        "another iat",
        { ...CLAIMS, iat: NOW },
        { code: "claim_mismatch", claim: "iat", expected: NOW - 10, actual: NOW },
      ],
    ]),
  ];
}

function requiredClaims(group) {
  const inherited = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
  const values = [null, false, 0, "", [], {}];
  return [
    group("requiredClaims", { requiredClaims: ["scope"] }, [
      ...values.map((scope) => [`scope ${JSON.stringify(scope)}`, { ...CLAIMS, scope }]),
      ["absent", CLAIMS, { code: "missing_claim", claim: "scope" }],
      ["in another case", { ...CLAIMS, Scope: 1 }, { code: "missing_claim", claim: "scope" }],
      ["inside another", { ...CLAIMS, x: { scope: 1 } }, { code: "missing_claim", claim: "scope" }],
    ]),
    ...inherited.map((name) =>
      group(`requiredClaims ${name}`, { requiredClaims: [name] }, [
        ["absent", CLAIMS, { code: "missing_claim", claim: name }],
        ["there", own(CLAIMS, JSON.parse(`{"${name}":1}`))],
      ]),
    ),
    group("requiredClaims, several", { requiredClaims: ["a", "b"] }, [
      ["all there", { ...CLAIMS, a: 1, b: 2 }],
      ["the second absent", { ...CLAIMS, a: 1 }, { code: "missing_claim", claim: "b" }],
    ]),
    group("requiredClaims, registered ones", { requiredClaims: ["jti", "nbf"] }, [
      ["all there", { ...CLAIMS, jti: "1", nbf: NOW }],
      ["absent", { ...CLAIMS, nbf: NOW }, { code: "missing_claim", claim: "jti" }],
    ]),
  ];
}

/** The registered claims have their types whether or not anyone asked for them (RFC 7519 section 4.1). */
function types() {
  const texts = ["iss", "sub", "jti"].flatMap((claim) =>
    [5, null, false, [], ["x"], {}].map((value) => [claim, value]),
  );
  const times = ["exp", "nbf", "iat"].flatMap((claim) =>
    [String(NOW), "", null, true, [], [NOW], {}].map((value) => [claim, value]),
  );
  return [...texts, ...times].map(([claim, value]) => [
    `${claim} ${JSON.stringify(value)}`,
    { [claim]: value },
    { code: "invalid_claim", claim, actual: value },
  ]);
}

function overflows() {
  const open = JSON.stringify(CLAIMS).slice(0, -1);
  const at = (claim) => ({ code: "invalid_claim", claim });
  return [
    ["in exp", JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), "1e400"), at("exp")],
    ["in exp, negative", JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), "-1e400"), at("exp")],
    ["in exp, many digits", JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), "9".repeat(400)), at("exp")],
    ["in nbf", `${open},"nbf":1e999}`, at("nbf")],
    ["in a claim of one's own", `${open},"x":1e400}`, at("x")],
    ["deep inside", `${open},"x":{"y":[0,{"z":-1e400}]}}`, at("x")],
    ["in an exponent beyond all", `${open},"x":1e99999999999999999999}`, at("x")],
    ["the greatest double", `${open},"x":1.7976931348623157e308}`, { claims: { ...CLAIMS, x: Number.MAX_VALUE } }],
    ["nought times anything", `${open},"x":0e99999999999999999999}`, { claims: { ...CLAIMS, x: 0 } }],
    ["tiny", `${open},"x":1e-99999999999999999999}`, { claims: { ...CLAIMS, x: 0 } }],
  ];
}

/** Of several faults the first in this order is told. */
function order() {
  const faults = [
    [{ jti: 5 }, "invalid_claim", "jti"],
    [{ iss: "x" }, "claim_mismatch", "iss"],
    [{ aud: "x" }, "claim_mismatch", "aud"],
    [{ sub: "x" }, "claim_mismatch", "sub"],
    [{ scope: undefined }, "missing_claim", "scope"],
    [{ role: "x" }, "claim_mismatch", "role"],
    [{ exp: NOW - 100 }, "expired", "exp"],
    [{ nbf: NOW + 100 }, "not_yet_valid", "nbf"],
    [{ iat: NOW - 100 }, "too_old", "iat"],
  ];
  const sound = { ...CLAIMS, scope: "x", role: "admin" };
  return faults.map(([, code, claim], index) => {
    const wrong = Object.assign({}, sound, ...faults.slice(index).map(([fault]) => fault));
    return [code === "invalid_claim" ? "a wrong type" : `${code} ${claim}`, wrong, { code, claim }];
  });
}

/** A copy with members of any name as its own. */
function own(claims, more) {
  const copy = { ...claims };
  for (const name of Object.keys(more)) {
    Object.defineProperty(copy, name, { value: more[name], enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

/** Facts that must be absent. */
function nothing(...names) {
  return Object.fromEntries(names.map((name) => [name, special.undefined]));
}
