// A token as a description: what is described is made anew and judged alike, what a link may not hold is refused, and the
// test that is copied runs.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it, describe as suite } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createVerifier } from "tokenward";
import { createTestIssuer, FLAWS } from "tokenward/testing";
import { DescriptionProblem, describe, fragmentOf, readFragment, remake } from "../../www/src/description.js";
import { fromOptions, toOptions } from "../../www/src/rules.js";
import { testOf, testWithToken } from "../../www/src/test-code.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const NOW = 1_800_000_000;

let issuer;
before(async () => {
  issuer = await createTestIssuer({
    issuer: "https://login.test",
    audience: "app",
    algorithms: ["ES256", "RS256"],
    now: NOW,
  });
});

/** As the page's judge gives it. */
function answerOf(token, more = {}) {
  const options = toOptions(fromOptions({ issuer: "https://login.test", audience: "app", ...more }));
  const verifier = createVerifier({ ...options, jwks: issuer.jwks, now: () => NOW });
  const result = verifier.safeVerify(token);
  return { options, keys: verifier.keys, ...(result.ok ? { value: result.value } : { error: result.error }) };
}

const described = async (token, more) => describe(answerOf(token, more), token, NOW + 0.7);

const verdictOf = ({ token, jwks }, { options, now }) => {
  const result = createVerifier({ ...options, jwks, now: () => now }).safeVerify(token);
  return result.ok ? "holds" : result.error.code;
};

const problem = (code) => (error) => {
  assert.ok(error instanceof DescriptionProblem, error.stack);
  assert.equal(error.code, code);
  return true;
};

suite("a token's description", () => {
  for (const flaw of [undefined, ...Object.keys(FLAWS)]) {
    it(`is judged as the token is: ${flaw ?? "one that holds"}`, async () => {
      const token = await issuer.token({ scope: "read", amr: ["pwd"] }, { header: { typ: "at+jwt" }, flaw });
      const expected = flaw === undefined ? "holds" : FLAWS[flaw];
      const description = await described(token);
      assert.equal(description.now, NOW);
      const text = JSON.stringify(description);
      for (const part of token.split(".").filter((one) => one.length > 8)) assert.ok(!text.includes(part), "no token");
      for (const key of issuer.jwks.keys) assert.ok(!text.includes(key.x ?? key.n), "no key");
      if (flaw === "too_large") return assert.throws(() => fragmentOf(description), problem("too_long"));
      const read = await readFragment(fragmentOf(description));
      assert.deepEqual(read, description);
      assert.equal(verdictOf(await remake(read), read), expected);
    });
  }

  it("keeps what is expected of a token", async () => {
    const token = await issuer.token({ role: "engineer" }, { algorithm: "RS256" });
    for (const [more, expected] of [
      [{ algorithms: ["RS256"] }, "holds"],
      [{ algorithms: ["ES256"] }, "algorithm_not_allowed"],
      [{ claims: { role: "admiral" } }, "claim_mismatch"],
      [{ requiredClaims: ["email"] }, "missing_claim"],
      [{ typ: "at+jwt" }, "unexpected_type"],
      [{ audience: ["a", "b"] }, "claim_mismatch"],
      [{ issuer: null, subject: "ada" }, "holds"],
      [{ maxTokenBytes: 300 }, "too_large"],
    ]) {
      const description = await described(token, more);
      assert.equal(description.algorithm, "RS256");
      assert.equal(verdictOf(await remake(description), description), expected, JSON.stringify(more));
    }
  });

  it("leaves out what the token left out", async () => {
    const token = await issuer.token({ sub: undefined, exp: undefined, iat: undefined });
    const { claims } = await described(token, { requireExp: false });
    assert.deepEqual(Object.keys(claims), ["iss", "aud"]);
  });

  it("looks for a token in a long text once, whatever stands there", async () => {
    const long = "eyJ".repeat(1_000_000);
    const started = performance.now();
    const description = await described(await issuer.token({ long }));
    assert.equal(description.claims.long, long);
    assert.ok(performance.now() - started < 20_000, "and not once for each place where one might begin: hours");
    await assert.rejects(described(await issuer.token({ long: `${long}.e30` })), problem("holds_a_token"));
  });

  it("says so where it cannot say it all", async () => {
    const good = await issuer.token();
    const [header, claims] = good.split(".");
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const [token, code] of [
      ["hello", "unreadable"],
      ["a.b.c", "unreadable"],
      [`${header}.${claims}.a.b`, "no_such_flaw"],
      [`${part({ alg: "RS1" })}.${claims}.AAAA`, "no_such_flaw"],
      [await issuer.token({ nested: good }), "holds_a_token"],
      [await issuer.token({ [good.slice(0, 60)]: 1 }), "holds_a_token"],
      [await issuer.token({ deep: JSON.parse(`${"[".repeat(30)}${"]".repeat(30)}`) }), "invalid"],
      [await issuer.token({ many: Array(200).fill(1) }), "invalid"],
    ]) {
      await assert.rejects(described(token), problem(code), token);
    }
  });
});

suite("a link to a description", () => {
  let good;
  before(async () => {
    good = await described(await issuer.token());
  });
  const linkTo = (value) =>
    `describes=${Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url")}`;

  it("is none where nothing is described", async () => {
    for (const fragment of ["", "sample=es256", "code=1&state=2"])
      assert.equal(await readFragment(fragment), undefined);
  });

  it("is refused for whatever is not exactly a description", async () => {
    const token = await issuer.token();
    const set = (path, value) => {
      const copy = structuredClone(good);
      const names = path.split(".");
      const last = names.pop();
      const holder = names.reduce((object, name) => object[name], copy);
      if (value === undefined) delete holder[last];
      else holder[last] = value;
      return copy;
    };
    for (const [what, value, code] of [
      ["no base64url", undefined, "not_json"],
      ["no JSON", "{", "not_json"],
      ["a token in place of it", token, "not_json"],
      ["a list", [], "invalid"],
      ["null", "null", "invalid"],
      ["another version", set("v", 2), "invalid"],
      ["no version", set("v", undefined), "invalid"],
      ["no claims", set("claims", undefined), "invalid"],
      ["claims that are a list", set("claims", []), "invalid"],
      ["an unknown member", set("token", "x"), "invalid"],
      ["keys", set("jwks", { keys: [] }), "invalid"],
      ["an algorithm with a shared secret", set("algorithm", "HS256"), "invalid"],
      ["an algorithm of a prototype", set("algorithm", "constructor"), "invalid"],
      ["a flaw of a prototype", set("flaw", "toString"), "invalid"],
      ["a flaw that is none", set("flaw", "small"), "invalid"],
      ["a time that is text", set("now", "1"), "invalid"],
      ["a time beyond any calendar", set("now", 1e300), "invalid"],
      ["an algorithm in the header", set("header.alg", "none"), "invalid"],
      ["a key in the header", set("header.jwk", {}), "invalid"],
      ["a key's name in the header", set("header.kid", "x"), "invalid"],
      ["an unknown option", set("options.schema", {}), "invalid"],
      ["keys as an option", set("options.jwks", { keys: [] }), "invalid"],
      [
        "an option of a prototype",
        linkTo(JSON.stringify(good).replace('"options":{', '"options":{"toString":1,')),
        "invalid",
      ],
      ["no issuer", set("options.issuer", undefined), "invalid"],
      ["an audience that is a number", set("options.audience", 1), "invalid"],
      ["an empty list of issuers", set("options.issuer", []), "invalid"],
      ["exp required, said again", set("options.requireExp", true), "invalid"],
      ["a tolerance below zero", set("options.clockTolerance", -1), "invalid"],
      ["a size that is text", set("options.maxTokenBytes", "9"), "invalid"],
      [
        "a prototype",
        linkTo(JSON.stringify(good).replace('"claims":{', '"claims":{"__proto__":{"sub":"root"},')),
        "invalid",
      ],
      ["a token as a claim", set("claims.t", token), "holds_a_token"],
      ["a token in a text", set("claims.t", `see ${token}`), "holds_a_token"],
      ["a token as a name", { ...good, claims: { [token]: 1 } }, "holds_a_token"],
      ["a token in an expectation", set("options.subject", token), "holds_a_token"],
      [
        "depth without end",
        linkTo(JSON.stringify(good).replace('"claims":{', `"claims":{"x":${"[".repeat(900)}${"]".repeat(900)},`)),
        "invalid",
      ],
      [
        "members without end",
        set("claims.x", Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, 1]))),
        "invalid",
      ],
      ["length without end", set("claims.x", "x".repeat(9000)), "too_long"],
    ]) {
      const fragment =
        what === "no base64url"
          ? "describes=%7B%7D"
          : typeof value === "string" && value.startsWith("describes=")
            ? value
            : linkTo(value);
      await assert.rejects(readFragment(fragment), problem(code), what);
    }
    assert.deepEqual(await readFragment(linkTo(good)), good);
  });
});

suite("a test to copy", () => {
  let folder;
  before(() => {
    mkdirSync(join(root, "target"), { recursive: true });
    folder = mkdtempSync(join(root, "target/test-code-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const NASTY = {
    '"; process.exit(1); //': "*/ $`\u2028",
    "not a name": { "a-b": [1, { c: null }] },
    long: "y".repeat(200),
  };

  for (const [what, flaw, more] of [
    ["that holds", undefined],
    ["whose signature was altered", "altered_signature"],
    ["that is unsigned", "alg_none"],
    ["that has expired", "expired"],
    ["for somebody else", undefined, { audience: "another" }],
  ]) {
    it(`runs, for a token ${what}`, async () => {
      const token = await issuer.token(NASTY, { header: { typ: "at+jwt" }, flaw });
      const answer = answerOf(token, more);
      const description = await described(token, more);
      const code = answer.error?.code;
      const plain = testOf("node", description, code);
      const full = testWithToken(
        "node",
        { token, jwks: JSON.stringify(issuer.jwks), options: answer.options, now: NOW, algorithm: "ES256" },
        code,
      );
      assert.doesNotMatch(plain, /eyJ/);
      assert.ok(full.includes(token));
      for (const [name, text] of Object.entries({ plain, full })) {
        writeFileSync(join(folder, `${name}.test.mjs`), text);
        const { stdout } = await promisify(execFile)(
          process.execPath,
          ["--test", "--test-reporter=tap", `${name}.test.mjs`],
          {
            cwd: folder,
            env: { ...process.env, NODE_TEST_CONTEXT: undefined },
          },
        );
        assert.match(stdout, /^# pass 1$/m, stdout);
        // The test can fail: it does for another verdict.
        const other = text.replace(/result\.ok, (true|false)/, (_, is) => `result.ok, ${is === "false"}`);
        writeFileSync(join(folder, `${name}.test.mjs`), other);
        await assert.rejects(
          promisify(execFile)(process.execPath, ["--test", "--test-reporter=tap", `${name}.test.mjs`], {
            cwd: folder,
            env: { ...process.env, NODE_TEST_CONTEXT: undefined },
          }),
        );
      }
    });
  }

  it("keeps a claim named __proto__ a claim", async () => {
    const text = testOf("vitest", {
      ...(await described(await issuer.token())),
      claims: JSON.parse('{"__proto__":1}'),
    });
    assert.match(text, /\["__proto__"\]: 1/);
    assert.match(text, /^import \{ expect, it \} from "vitest";$/m);
    assert.match(text, /expect\(result\.ok\)\.toBe\(true\);/);
  });
});
