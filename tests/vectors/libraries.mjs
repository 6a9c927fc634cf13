// How each library is asked: the way its documentation says, as strictly as it can be told.
//
// A library answers `{ can(test, group), verifier(group) }`: whether it has what the options ask for, and what takes a
// token and throws or rejects when it does not hold. What it is not asked for counts neither for nor against it.
import { createPublicKey } from "node:crypto";
import { createRequire } from "node:module";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier as createFastVerifier } from "fast-jwt";
import { verify as honoVerify, verifyWithJwks } from "hono/jwt";
import { createLocalJWKSet, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { createVerifier } from "tokenward";

const ALGORITHMS = ["RS", "PS", "ES"]
  .flatMap((scheme) => [256, 384, 512].map((bits) => scheme + bits))
  .concat("EdDSA", "Ed25519");
// Tokenward's own default, given to each.
const TOLERANCE = 5;

export const LIBRARIES = [
  {
    name: "tokenward",
    options: ["*"],
    verifier: ({ options, jwks }, now) => {
      const { verify } = createVerifier({ ...options, jwks, now });
      return (token) => verify(token);
    },
  },
  {
    name: "jose",
    options: ["subject", "algorithms", "typ", "clockTolerance", "maxTokenAge", "requiredClaims", "requireExp"],
    verifier: ({ options, jwks }, now) => {
      const keys = createLocalJWKSet(jwks);
      return (token) =>
        jwtVerify(token, keys, {
          ...given({ issuer: options.issuer, audience: options.audience, subject: options.subject }),
          ...given({ typ: options.typ, maxTokenAge: options.maxTokenAge }),
          algorithms: options.algorithms ?? ALGORITHMS,
          clockTolerance: options.clockTolerance ?? TOLERANCE,
          requiredClaims: required(options),
          currentDate: new Date(now() * 1000),
        });
    },
  },
  {
    name: "hono",
    options: ["algorithms"],
    one: ["issuer"],
    verifier: ({ options, jwks }) => {
      const allowedAlgorithms = options.algorithms ?? ALGORITHMS.filter((name) => name !== "Ed25519");
      const verification = given({ iss: options.issuer, aud: options.audience });
      const [key] = jwks.keys;
      // `jwk` takes only tokens with a kid, `jwt` one key and one algorithm.
      if (jwks.keys.length > 1 || key.kid !== undefined) {
        return (token) => verifyWithJwks(token, { keys: jwks.keys, allowedAlgorithms, verification });
      }
      const alg = options.algorithms?.[0] ?? key.alg ?? ALGORITHM_OF[key.crv ?? key.kty];
      return (token) => honoVerify(token, key, { alg, ...verification });
    },
  },
  {
    name: "fast-jwt",
    options: ["subject", "algorithms", "clockTolerance", "maxTokenAge", "requiredClaims", "requireExp"],
    verifier: ({ options, jwks }, now) => {
      const verify = createFastVerifier({
        key: ({ header }) => Promise.resolve(pemOf(jwks, header)),
        ...given({ allowedIss: options.issuer, allowedAud: options.audience, allowedSub: options.subject }),
        ...(options.maxTokenAge === undefined ? {} : { maxAge: options.maxTokenAge * 1000 }),
        algorithms: (options.algorithms ?? ALGORITHMS).filter((name) => name !== "Ed25519"),
        clockTolerance: (options.clockTolerance ?? TOLERANCE) * 1000,
        clockTimestamp: now() * 1000,
        requiredClaims: [...required(options), ...expectedClaims(options)],
        cache: false,
      });
      return (token) => verify(token);
    },
  },
  {
    name: "jsonwebtoken",
    options: ["subject", "algorithms", "clockTolerance", "maxTokenAge"],
    one: ["subject"],
    verifier: ({ options, jwks }, now) => {
      const settings = {
        ...given({ issuer: options.issuer, audience: options.audience, subject: options.subject }),
        ...given({ maxAge: options.maxTokenAge }),
        algorithms: (options.algorithms ?? ALGORITHMS).filter((name) => !name.startsWith("Ed")),
        clockTolerance: options.clockTolerance ?? TOLERANCE,
      };
      const keyOf = (header, done) => {
        try {
          done(null, keyFor(jwks, header));
        } catch (error) {
          done(error);
        }
      };
      return (token) =>
        new Promise((resolve, reject) => {
          const done = (error, payload) => (error ? reject(error) : resolve(payload));
          jsonwebtoken.verify(token, keyOf, { ...settings, clockTimestamp: now() }, done);
        });
    },
  },
  {
    name: "aws-jwt-verify",
    options: ["clockTolerance"],
    verifier: ({ options, jwks }) => {
      const verifier = JwtVerifier.create({
        issuer: options.issuer,
        audience: options.audience,
        jwksUri: "https://login.example/jwks.json",
        graceSeconds: options.clockTolerance ?? TOLERANCE,
      });
      verifier.cacheJwks(jwks);
      return (token) => verifier.verifySync(token);
    },
  },
].map((library) => ({ ...library, version: versionOf(library.name) }));

const ALGORITHM_OF = { RSA: "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", Ed25519: "EdDSA" };

/** The options of a group that a library has no setting for. */
export function lacks({ options: has, one = [] }, { options }) {
  if (has.includes("*")) return [];
  const asked = Object.keys(options).filter((name) => !["issuer", "audience", "anyRsaExponent"].includes(name));
  const several = one.filter((name) => Array.isArray(options[name]));
  // Text such as "1m" is Tokenward's form of a duration; lists of types are, too.
  const forms = asked.filter((name) => typeof options[name] === "string" && /Age|Tolerance/.test(name));
  const lists = Array.isArray(options.typ) ? ["typ"] : [];
  return [...asked.filter((name) => !has.includes(name)), ...several, ...forms, ...lists];
}

/** Only what the verifier was asked: `null` asks for nothing. */
function given(settings) {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== null));
}

function required({ requireExp = true, requiredClaims = [] }) {
  return requireExp ? ["exp", ...requiredClaims] : requiredClaims;
}

/** fast-jwt compares what is there, and asks for nothing to be there. */
function expectedClaims({ issuer, audience, subject }) {
  return Object.entries({ iss: issuer, aud: audience, sub: subject }).flatMap(([claim, value]) =>
    value == null ? [] : [claim],
  );
}

/** As the documentation of both libraries has it, by `jwks-rsa` and `get-jwks`: the key of the kid, or the only one. */
function keyFor({ keys }, { kid }) {
  const jwk =
    kid === undefined && keys.length === 1 ? keys[0] : keys.find((key) => key.kid === kid && kid !== undefined);
  if (jwk === undefined) throw new Error("no key of this kid");
  return createPublicKey({ key: jwk, format: "jwk" });
}

function pemOf(jwks, header) {
  return keyFor(jwks, header).export({ type: "spki", format: "pem" });
}

function versionOf(name) {
  const require = createRequire(import.meta.url);
  const path = name === "tokenward" ? "../../package.json" : `../../node_modules/${name}/package.json`;
  return require(path).version;
}
