// docs/migrate.md, run as it stands: before, with the real library, and after. Both give the same answer for a good token and
// refuse the bad ones; where the page says that they differ, they do.
import assert from "node:assert/strict";
import { createHmac, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createVerifier } from "tokenward";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { makeFolder, root, writePrograms } from "./blocks.mjs";

const ISSUER = "https://login.example";
const POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi";
const HOUR = 3600;
const now = Math.floor(Date.now() / 1000);

const ec = generateKeyPair("ec", { namedCurve: "P-256" });
const other = generateKeyPair("ec", { namedCurve: "P-256" });
const rsa = generateKeyPair("rsa", { modulusLength: 2048 });
const jwkOf = ({ publicKey }, kid, alg) => ({ ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" });
const jwks = { keys: [jwkOf(ec, "1", "ES256"), jwkOf(rsa, "2", "RS256")] };

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenOf(claims, { header = {}, key = ec, secret } = {}) {
  const input = `${encode({ alg: "ES256", kid: "1", typ: "JWT", ...header })}.${encode(claims)}`;
  const signature = secret
    ? createHmac("sha256", secret).update(input).digest()
    : sign("sha256", Buffer.from(input), { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

const API = { iss: ISSUER, aud: "my-api", sub: "ada", iat: now, exp: now + HOUR };
const ACCESS = { iss: POOL, token_use: "access", client_id: "my-client", sub: "ada", iat: now, exp: now + HOUR };
const without = (claims, name) => Object.fromEntries(Object.entries(claims).filter(([one]) => one !== name));
const pem = ec.publicKey.export({ type: "spki", format: "pem" });

/** What nobody takes, by its name in the page's table of errors. */
const bad = (claims, options = {}) => ({
  "three letters": "abc",
  altered: tokenOf(claims, options).replace(/\.[^.]+\./, `.${encode({ ...claims, sub: "eve" })}.`),
  "signed by another key": tokenOf(claims, { ...options, key: other, header: { alg: "ES256", kid: "1" } }),
  "`alg` is `none`": `${encode({ alg: "none", kid: "1" })}.${encode(claims)}.`,
  "HS256 with the public key as the secret": tokenOf(claims, { header: { alg: "HS256" }, secret: pem }),
  "unknown `kid`, another key": tokenOf(claims, { ...options, key: other, header: { alg: "ES256", kid: "9" } }),
  "another issuer": tokenOf({ ...claims, iss: "https://evil.example" }, options),
  "expired an hour ago": tokenOf({ ...claims, exp: now - HOUR }, options),
  "`nbf` in an hour": tokenOf({ ...claims, nbf: now + HOUR }, options),
});
const RS256 = { header: { alg: "RS256", kid: "2" }, key: rsa };
const API_BAD = {
  ...bad(API),
  "no `iss`": tokenOf(without(API, "iss")),
  "another audience": tokenOf({ ...API, aud: "other" }),
  "no `aud`": tokenOf(without(API, "aud")),
};
const ACCESS_BAD = {
  ...bad(ACCESS, RS256),
  "another client": tokenOf({ ...ACCESS, client_id: "other" }, RS256),
  "an ID token": tokenOf({ ...ACCESS, token_use: "id", aud: "my-client" }, RS256),
};

let folder;
const program = (name) => import(pathToFileURL(join(folder.path, `${name}.js`)));

before(async () => {
  folder = makeFolder();
  await writePrograms("docs/migrate.md", folder.path, { jwks });
  const answer = () => new Response(JSON.stringify(jwks), { headers: { "content-type": "application/json" } });
  mock.method(globalThis, "fetch", (input) => {
    assert.equal(String(input.url ?? input), `${ISSUER}/jwks`);
    return Promise.resolve(answer());
  });
});
after(() => {
  mock.restoreAll();
  folder.remove();
});

const PAIRS = {
  jose: {},
  "jose-remote": {},
  jsonwebtoken: {},
  aws: {},
  cognito: { good: tokenOf(ACCESS, RS256), bad: ACCESS_BAD },
  "fast-jwt": {},
};

describe("before and after", () => {
  for (const [name, { good = tokenOf(API), bad = API_BAD }] of Object.entries(PAIRS)) {
    test(`${name}: one answer for a good token`, async () => {
      const [old, fresh] = [await program(`${name}-before`), await program(`${name}-after`)];
      const claims = await fresh.verify(good);
      assert.equal(claims.sub, "ada");
      assert.deepEqual({ ...(await old.verify(good)) }, { ...claims });
    });

    for (const [what, token] of Object.entries(bad)) {
      test(`${name}: both refuse: ${what}`, async () => {
        for (const side of ["before", "after"]) {
          const { verify } = await program(`${name}-${side}`);
          await assert.rejects(async () => verify(token), side);
        }
      });
    }
  }

  for (const name of ["hono-before", "hono-jwt-before", "hono-after"]) {
    const ask = async (path, token) => {
      const { app } = await program(name);
      return app.request(path, token && { headers: { authorization: `Bearer ${token}` } });
    };

    test(`${name} lets in who may pass`, async () => {
      assert.equal(await (await ask("/health")).text(), "ok");
      const response = await ask("/me", tokenOf(API));
      assert.deepEqual([response.status, await response.json()], [200, { sub: "ada" }]);
    });

    test(`${name} refuses everybody else`, async () => {
      assert.equal((await ask("/me")).status, 401);
      for (const [what, token] of Object.entries(API_BAD)) assert.equal((await ask("/me", token)).status, 401, what);
    });
  }
});

describe("where they differ, as the page says", () => {
  const accepts = async (name, token) => {
    const { verify } = await program(name);
    try {
      await verify(token);
      return true;
    } catch {
      return false;
    }
  };

  test("a token without exp passes elsewhere, and here with requireExp: false", async () => {
    const token = tokenOf(without(API, "exp"));
    for (const name of ["jose", "jsonwebtoken", "aws", "fast-jwt"]) {
      assert.ok(await accepts(`${name}-before`, token), name);
      assert.ok(!(await accepts(`${name}-after`, token)), name);
    }
    const options = { jwks, issuer: ISSUER, audience: "my-api" };
    assert.equal(createVerifier(options).safeVerify(token).error.code, "missing_claim");
    assert.ok(createVerifier({ ...options, requireExp: false }).safeVerify(token).ok);
  });

  test("fast-jwt accepts a token without the claims that it allows, unless they are required", async () => {
    const { createVerifier: fast } = await import("fast-jwt");
    const verify = fast({ key: pem, allowedIss: ISSUER, allowedAud: "my-api" });
    assert.equal(verify(tokenOf({ sub: "ada", exp: now + HOUR })).sub, "ada");
  });

  test("fast-jwt counts in milliseconds", async () => {
    const { createVerifier: fast } = await import("fast-jwt");
    const token = tokenOf({ ...API, exp: now - 30 });
    assert.throws(() => fast({ key: pem, clockTolerance: 60 })(token));
    assert.equal(fast({ key: pem, clockTolerance: 60_000 })(token).sub, "ada");
    const options = { jwks, issuer: ISSUER, audience: "my-api" };
    assert.equal(createVerifier({ ...options, clockTolerance: 60 }).verify(token).claims.sub, "ada");
  });

  test("a token that expired 3 seconds ago is refused elsewhere, and within the tolerance here", async () => {
    const token = tokenOf({ ...API, exp: now - 3 });
    for (const name of ["jose", "jsonwebtoken", "aws", "fast-jwt"]) {
      assert.ok(!(await accepts(`${name}-before`, token)), name);
      assert.ok(createVerifier({ jwks, issuer: ISSUER, audience: "my-api", now: () => now }).safeVerify(token).ok);
    }
  });

  test("Hono refuses at+jwt unless it is told", async () => {
    const { app } = await program("hono-before");
    const fresh = await program("hono-after");
    const headers = { authorization: `Bearer ${tokenOf(API, { header: { typ: "at+jwt" } })}` };
    assert.deepEqual(
      [(await app.request("/me", { headers })).status, (await fresh.app.request("/me", { headers })).status],
      [401, 200],
    );
  });

  test("a duplicate claim passes elsewhere", async () => {
    const doubled = `{"sub":"eve",${JSON.stringify(API).slice(1)}`;
    const input = `${encode({ alg: "ES256", kid: "1" })}.${Buffer.from(doubled).toString("base64url")}`;
    const signature = sign("sha256", Buffer.from(input), { key: ec.privateKey, dsaEncoding: "ieee-p1363" });
    const token = `${input}.${signature.toString("base64url")}`;
    for (const name of ["jose", "jsonwebtoken", "aws", "fast-jwt"]) {
      assert.ok(await accepts(`${name}-before`, token), name);
      assert.ok(!(await accepts(`${name}-after`, token)), name);
    }
  });

  for (const [what, token, code] of [
    ["HS256", tokenOf(API, { header: { alg: "HS256" }, secret: "s" }), "unsupported_algorithm"],
    ["ES256K", tokenOf(API, { header: { alg: "ES256K" } }), "unsupported_algorithm"],
    ["Ed448", tokenOf(API, { header: { alg: "Ed448" } }), "unsupported_algorithm"],
    ["none", `${encode({ alg: "none" })}.${encode(API)}.`, "unsupported_algorithm"],
    ["JWE", `${encode({ alg: "dir", enc: "A128GCM" })}..a.a.a`, "malformed"],
    ["crit", tokenOf(API, { header: { crit: ["exp"] } }), "unsupported_critical"],
    ["b64", tokenOf(API, { header: { b64: false } }), "unsupported_critical"],
    ["JSON serialization", JSON.stringify({ payload: "", signatures: [] }), "malformed"],
  ]) {
    test(`${what} has no equivalent: ${code}`, () => {
      const verifier = createVerifier({ jwks, issuer: ISSUER, audience: "my-api" });
      assert.equal(verifier.safeVerify(token).error.code, code);
    });
  }
});

test("the table of errors has what each library says", async () => {
  const columns = [
    ["jose-after", ({ code }) => code],
    ["jose-before", ({ code }) => code],
    ["jsonwebtoken-before", ({ message }) => message.replace(/\. .*/, "")],
    ["aws-before", (error) => error.constructor.name],
    ["fast-jwt-before", ({ code }) => code],
  ];
  const saidBy = async (name, token) => {
    const { verify } = await program(name);
    try {
      await verify(token);
    } catch (error) {
      return error;
    }
    return assert.fail(`${name} takes it`);
  };
  const rows = [];
  for (const [what, token] of Object.entries(API_BAD)) {
    const cells = await Promise.all(columns.map(async ([name, text]) => `\`${text(await saidBy(name, token))}\``));
    rows.push(`| ${[what, ...cells].join(" | ")} |\n`);
  }
  const page = readFileSync(join(root, "docs/migrate.md"), "utf8");
  const [, table] = /^## Errors\n.*?^\|(?: --- \|)+\n(.*)$/ms.exec(page);
  assert.equal(table, rows.join(""));
});
