// exp, nbf and iat against the clock: to the second, with tolerance, at the very edge.
import { AUDIENCE, CLAIMS, ISSUER, NOW, signed } from "../tokens.mjs";

const { exp: _, iat: __, ...TIMELESS } = CLAIMS;

export function groups({ ed25519 }) {
  /** Each row: a title, times, what is answered (nothing: it holds), and perhaps the time of the check. */
  const group = (name, options, rows) => ({
    name,
    options: { jwks: [ed25519.jwk], issuer: ISSUER, audience: AUDIENCE, ...options },
    cases: rows.map(([title, times, code, now = NOW]) => {
      const claims = { ...TIMELESS, ...times };
      const token = signed(ed25519, { alg: "EdDSA" }, claims);
      const expect = code === FUTURE ? { code: "not_yet_valid", claim: "iat" } : { code, claim: CLAIM_OF[code] };
      return { name: title, token, now, expect: code ? expect : { claims } };
    }),
  });
  return [...expiry(group), ...start(group), ...age(group), facts(ed25519)];
}

/** Issued in the future. */
const FUTURE = "not_yet_valid, iat";
const CLAIM_OF = { expired: "exp", not_yet_valid: "nbf", too_old: "iat" };

function expiry(group) {
  const limit = 2 ** 53;
  return [
    group("exp, without tolerance", { clockTolerance: 0 }, [
      ["in a second", { exp: NOW + 1 }],
      ["now", { exp: NOW }, "expired"],
      ["a second ago", { exp: NOW - 1 }, "expired"],
      ["in a fraction of a second", { exp: NOW + 0.25 }],
      ["a fraction of a second ago", { exp: NOW - 0.25 }, "expired"],
      ["between two fractions", { exp: NOW + 0.5 }, undefined, NOW + 0.25],
      ["at the same fraction", { exp: NOW + 0.5 }, "expired", NOW + 0.5],
      ["-1", { exp: -1 }, "expired"],
      ["0", { exp: 0 }, "expired"],
      ["-1, before 1970", { exp: -1 }, undefined, -2],
      ["2^53", { exp: limit }],
      ["-2^53", { exp: -limit }, "expired"],
      ["Java's never", { exp: 9223372036854776 }],
      ["Java's never, in milliseconds", { exp: 9223372036854776000 }],
      ["1e300", { exp: 1e300 }],
      ["the greatest double", { exp: Number.MAX_VALUE }],
      ["the least double", { exp: -Number.MAX_VALUE }, "expired"],
      ["beyond 2^53, past", { exp: limit + 2 }, "expired", limit + 2],
      ["beyond 2^53, to come", { exp: limit + 4 }, undefined, limit + 2],
      ["written with an exponent", { exp: 1e15 }],
      ["in milliseconds by mistake", { exp: NOW * 1000 }],
    ]),
    group("exp, with the tolerance of 5 seconds by default", {}, [
      ["now", { exp: NOW }],
      ["4.75 seconds ago", { exp: NOW - 4.75 }],
      ["5 seconds ago", { exp: NOW - 5 }, "expired"],
    ]),
    group("exp, with a tolerance of a fraction", { clockTolerance: 0.5 }, [
      ["0.25 seconds ago", { exp: NOW - 0.25 }],
      ["0.5 seconds ago", { exp: NOW - 0.5 }, "expired"],
    ]),
    group("exp, with a tolerance of an hour", { clockTolerance: 3600 }, [
      ["3599 seconds ago", { exp: NOW - 3599 }],
      ["3600 seconds ago", { exp: NOW - 3600 }, "expired"],
    ]),
    group("exp, not required", { requireExp: false }, [
      ["absent", {}],
      ["past", { exp: NOW - 60 }, "expired"],
      ["to come", { exp: NOW + 60 }],
    ]),
  ];
}

function start(group) {
  const exp = NOW + 1000;
  return [
    group("nbf, without tolerance", { clockTolerance: 0 }, [
      ["now", { exp, nbf: NOW }],
      ["a second ago", { exp, nbf: NOW - 1 }],
      ["in a second", { exp, nbf: NOW + 1 }, "not_yet_valid"],
      ["in a fraction of a second", { exp, nbf: NOW + 0.25 }, "not_yet_valid"],
      ["before 1970", { exp, nbf: -5 }],
      ["after exp", { exp, nbf: exp + 1 }, "not_yet_valid"],
      ["after exp, past both", { exp: NOW - 2, nbf: NOW - 1 }, "expired"],
      ["1e300", { exp: 1e301, nbf: 1e300 }, "not_yet_valid"],
      ["-1e300", { exp, nbf: -1e300 }],
      ["Java's never", { exp, nbf: 9223372036854776 }, "not_yet_valid"],
    ]),
    group("nbf, with the tolerance of 5 seconds by default", {}, [
      ["in 5 seconds", { exp, nbf: NOW + 5 }],
      ["in 5.25 seconds", { exp, nbf: NOW + 5.25 }, "not_yet_valid"],
    ]),
    group("iat, not judged by itself", {}, [
      ["absent", { exp }],
      ["long ago", { exp, iat: 0 }],
      ["to come", { exp, iat: NOW + 100_000 }],
      ["after exp", { exp, iat: exp + 1 }],
      ["1e300", { exp, iat: 1e300 }],
      ["-1e300", { exp, iat: -1e300 }],
    ]),
  ];
}

function age(group) {
  const exp = NOW + 1000;
  return [
    group("maxTokenAge, without tolerance", { maxTokenAge: 60, clockTolerance: 0 }, [
      ["younger", { exp, iat: NOW - 59 }],
      ["just as old", { exp, iat: NOW - 60 }],
      ["a fraction older", { exp, iat: NOW - 60.25 }, "too_old"],
      ["to come", { exp, iat: NOW + 500 }, FUTURE],
      ["a fraction to come", { exp, iat: NOW + 0.25 }, FUTURE],
      ["this moment", { exp, iat: NOW }],
      ["1e300", { exp, iat: 1e300 }, FUTURE],
      ["-1e300", { exp, iat: -1e300 }, "too_old"],
      ["past exp, and to come", { exp: NOW - 1, iat: NOW + 500 }, "expired"],
      ["to come, after nbf", { exp, nbf: NOW + 100, iat: NOW + 500 }, FUTURE],
      ["to come, before nbf", { exp, nbf: NOW + 600, iat: NOW + 500 }, "not_yet_valid"],
      ["to come with nbf", { exp, nbf: NOW + 500, iat: NOW + 500 }, "not_yet_valid"],
      ["past exp too", { exp: NOW - 1, iat: NOW - 100 }, "expired"],
    ]),
    group("maxTokenAge, with the tolerance of 5 seconds by default", { maxTokenAge: 60 }, [
      ["65 seconds", { exp, iat: NOW - 65 }],
      ["65.25 seconds", { exp, iat: NOW - 65.25 }, "too_old"],
      ["5 seconds to come", { exp, iat: NOW + 5 }],
      ["5.25 seconds to come", { exp, iat: NOW + 5.25 }, FUTURE],
    ]),
    group("maxTokenAge and clockTolerance as text", { maxTokenAge: "1m", clockTolerance: "0.5s" }, [
      ["60.5 seconds", { exp, iat: NOW - 60.5 }],
      ["60.75 seconds", { exp, iat: NOW - 60.75 }, "too_old"],
      ["half a second to come", { exp, iat: NOW + 0.5 }],
      ["more than that to come", { exp, iat: NOW + 0.75 }, FUTURE],
    ]),
    group("maxTokenAge of 0", { maxTokenAge: 0, clockTolerance: 0 }, [
      ["this second", { exp, iat: NOW }],
      ["a second ago", { exp, iat: NOW - 1 }, "too_old"],
    ]),
  ];
}

/** What errors tell about times, and claims that must be there. */
function facts(key) {
  const token = (claims) => signed(key, { alg: "EdDSA" }, claims);
  const expectations = {
    "exp absent": [
      { ...CLAIMS, exp: undefined },
      { code: "missing_claim", claim: "exp" },
    ],
    "iat absent": [
      { ...CLAIMS, iat: undefined },
      { code: "missing_claim", claim: "iat" },
    ],
    "exp null": [
      { ...CLAIMS, exp: null },
      { code: "invalid_claim", claim: "exp", actual: null },
    ],
    expired: [
      { ...CLAIMS, exp: NOW - 60 },
      { code: "expired", claim: "exp", expected: NOW - 5, actual: NOW - 60 },
    ],
    "not yet valid": [
      { ...CLAIMS, nbf: NOW + 60 },
      { code: "not_yet_valid", claim: "nbf", expected: NOW + 5, actual: NOW + 60 },
    ],
    "issued in the future": [
      { ...CLAIMS, iat: NOW + 60 },
      { code: "not_yet_valid", claim: "iat", expected: NOW + 5, actual: NOW + 60 },
    ],
    "too old": [
      { ...CLAIMS, iat: NOW - 900 },
      { code: "too_old", claim: "iat", expected: 600, actual: 900 },
    ],
  };
  return {
    name: "what errors tell of times",
    options: { jwks: [key.jwk], issuer: ISSUER, audience: AUDIENCE, maxTokenAge: 600 },
    cases: Object.entries(expectations).map(([name, [claims, expect]]) => ({ name, token: token(claims), expect })),
  };
}
