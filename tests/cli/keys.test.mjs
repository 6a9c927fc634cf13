// `tokenward keys` and `tokenward doctor`, as processes, against servers on this machine.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { after, before, describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { createTestIssuer } from "tokenward/testing";
import { startProvider } from "../../tools/provider.mjs";
import { json, startServer } from "../providers/server.mjs";
import { CLI, makeFolder, run, runJson, runOnTerminal } from "./run.mjs";

/** From RFC 7638, section 3.1. */
const RFC_KEY = {
  kty: "RSA",
  n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
  e: "AQAB",
  alg: "RS256",
  kid: "2011-04-29",
};
const RFC_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

const jwkOf = (half) => half.export({ format: "jwk" });
const pair = (type, options) => generateKeyPairSync(type, options);

let folder;
before(() => {
  folder = makeFolder();
});
after(() => folder.remove());

const write = (name, value) => {
  const path = folder.file(name);
  writeFileSync(path, JSON.stringify(value));
  return path;
};

/** A server that answers at `/jwks` and as an issuer; `keys` may be set. */
async function startIssuer({ headers = {}, metadata = {} } = {}) {
  const issuer = { keys: [], headers, metadata };
  const server = await startServer(({ url }, response) => {
    if (url === "/jwks") return json(response, 200, { keys: issuer.keys }, issuer.headers);
    if (url !== "/.well-known/openid-configuration") return json(response, 404, {});
    const own = { issuer: server.origin, jwks_uri: `${server.origin}/jwks` };
    return json(response, 200, { ...own, ...issuer.metadata }, issuer.headers);
  });
  return Object.assign(issuer, { origin: server.origin, requests: server.requests, close: () => server.close() });
}

describe("tokenward keys fetch", () => {
  let issuer;
  before(async () => {
    issuer = await startIssuer({ headers: { etag: '"1"' } });
  });
  after(() => issuer.close());

  it("writes a bundle that a verifier takes, with where it is from, and leaves it while the keys are the same", async () => {
    const test = await createTestIssuer({ issuer: issuer.origin, algorithms: ["RS256", "ES256"] });
    issuer.keys = test.jwks.keys.map((key) => ({ ...key, x5c: ["MIIB"], "x5t#S256": null }));
    const out = folder.file("bundle.json");
    const args = ["keys", "fetch", "--issuer", issuer.origin, "--out", out];
    const env = { SOURCE_DATE_EPOCH: "1800000000" };
    const first = await run(args, { env });
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^✓ .*bundle\.json written$/m);
    const text = readFileSync(out, "utf8");
    const bundle = JSON.parse(text);
    const { thumbprints, ...provenance } = bundle.tokenward;
    assert.deepEqual(provenance, {
      issuer: issuer.origin,
      jwks_uri: `${issuer.origin}/jwks`,
      fetched_at: "2027-01-15T08:00:00Z",
      etag: '"1"',
    });
    assert.equal(thumbprints.length, 2);
    assert.ok(!text.includes("x5c") && text.endsWith("}\n"));
    for (const algorithm of ["RS256", "ES256"]) {
      const verifier = createVerifier({ ...test.options, jwks: text });
      assert.equal(verifier.verify(await test.token({}, { algorithm })).claims.sub, "ada");
    }

    issuer.keys.reverse();
    const again = await runJson(args, { env: { SOURCE_DATE_EPOCH: "1900000000" } });
    assert.deepEqual([again.code, again.changed, readFileSync(out, "utf8")], [0, false, text]);
    await test.rotate();
    issuer.keys = [...test.jwks.keys];
    const rotated = await runJson(args);
    assert.deepEqual([rotated.code, rotated.changed], [0, true]);
    const elsewhere = await runJson(["keys", "fetch", `${issuer.origin}/jwks`, "--out", out]);
    assert.equal(elsewhere.changed, true, "the same keys from another place say so");
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith("bundle")),
      ["bundle.json"],
    );
    assert.equal(statSync(out).mode & 0o077, 0o077 & ~process.umask() & 0o666);
  });

  it("renews the date of a file with the same keys only if it is told to, or if no build would take it", async () => {
    issuer.keys = [RFC_KEY];
    const out = folder.file("renewed.json");
    const args = ["keys", "fetch", "--issuer", issuer.origin, "--out", out];
    const dated = async (epoch, ...more) => {
      const { code, changed, fetched_at } = await runJson([...args, ...more], { env: { SOURCE_DATE_EPOCH: epoch } });
      assert.equal(code, 0);
      assert.equal(
        JSON.parse(readFileSync(out, "utf8")).tokenward.fetched_at,
        fetched_at,
        "what is said is in the file",
      );
      return [changed, fetched_at];
    };
    assert.deepEqual(await dated("1700000000"), [true, "2023-11-14T22:13:20Z"]);
    assert.deepEqual(await dated("1700090000"), [false, "2023-11-14T22:13:20Z"]);
    assert.match((await run(args)).out, /left as it is \(fetched_at 2023-11-14T22:13:20Z; --renew/);
    assert.deepEqual(await dated("1700090000", "--renew"), [true, "2023-11-15T23:13:20Z"]);
    const bundle = JSON.parse(readFileSync(out, "utf8"));
    for (const fetched_at of [undefined, 5, "soon", "9999-01-01T00:00:00Z"]) {
      writeFileSync(out, JSON.stringify({ ...bundle, tokenward: { ...bundle.tokenward, fetched_at } }));
      assert.equal((await dated("1700090000"))[0], true, String(fetched_at));
    }
    assert.equal((await run(["keys", "check", out, "--renew"])).code, 2);
  });

  it("writes no character of others that a terminal takes for more, and the same JSON", async () => {
    const kid = "\u009b2J\u202eevil\u2028\u{e0041}";
    issuer.keys = [{ ...RFC_KEY, kid }];
    issuer.headers = { etag: '"\u009b1"' };
    const out = folder.file("plain.json");
    const printed = await run(["keys", "fetch", "--issuer", issuer.origin]);
    const written = await run(["keys", "fetch", "--issuer", issuer.origin, "--out", out]);
    issuer.headers = { etag: '"1"' };
    for (const text of [printed.out, printed.err, written.out, readFileSync(out, "utf8")]) {
      assert.doesNotMatch(text, /[^\P{Cc}\n]|[\p{Cf}\p{Zl}]/u);
    }
    for (const text of [printed.out, readFileSync(out, "utf8")]) assert.equal(JSON.parse(text).keys[0].kid, kid);
  });

  it("replaces a regular file with its rights, and nothing else", { skip: process.platform === "win32" }, async () => {
    issuer.keys = [RFC_KEY];
    const own = makeFolder();
    try {
      const fetchTo = (name) => run(["keys", "fetch", "--issuer", issuer.origin, "--out", own.file(name)]);
      writeFileSync(own.file("private.json"), "{}", { mode: 0o600 });
      chmodSync(own.file("private.json"), 0o600);
      assert.equal((await fetchTo("private.json")).code, 0);
      assert.equal(statSync(own.file("private.json")).mode & 0o777, 0o600);
      writeFileSync(own.file("target.json"), "untouched");
      symlinkSync(own.file("target.json"), own.file("link.json"));
      assert.equal((await fetchTo("link.json")).code, 0);
      assert.ok(lstatSync(own.file("link.json")).isFile());
      assert.equal(readFileSync(own.file("target.json"), "utf8"), "untouched");
      mkdirSync(own.file("folder"));
      symlinkSync("/dev/null", own.file("null"));
      execFileSync("mkfifo", [own.file("pipe")]);
      for (const [name, why] of [
        ["folder", /folder cannot be written: EISDIR/],
        ["null", /null cannot be written: it is no regular file/],
        ["pipe", /pipe cannot be written: it is no regular file/],
        ["nowhere/keys.json", /cannot be written: ENOENT/],
      ]) {
        const { code, err } = await fetchTo(name);
        assert.equal(code, 2, name);
        assert.match(err, why);
      }
      assert.ok(lstatSync(own.file("pipe")).isFIFO() && lstatSync(own.file("null")).isSymbolicLink());
      const there = ["folder", "link.json", "null", "pipe", "private.json", "target.json"];
      assert.deepEqual(readdirSync(own.path).sort(), there, "no draft is left");
      const piped = await run(["inspect", "--file", own.file("pipe")]);
      assert.equal(piped.code, 2);
      assert.match(piped.err, /there is no token/);
      const shell = 'exec "$0" "$1" keys check <(printf %s "$2") --json';
      const set = JSON.stringify({ keys: [RFC_KEY] });
      const words = ["-c", shell, process.execPath, CLI, set];
      assert.equal(JSON.parse(execFileSync("bash", words, { encoding: "utf8" })).usable, 1);
    } finally {
      own.remove();
    }
  });

  it("prints the bundle where no file is named", async () => {
    issuer.keys = [RFC_KEY];
    const { code, out } = await run(["keys", "fetch", `${issuer.origin}/jwks`]);
    assert.equal(code, 0);
    const { keys, tokenward } = JSON.parse(out);
    assert.deepEqual(keys, [RFC_KEY]);
    assert.deepEqual([tokenward.issuer, tokenward.thumbprints], [undefined, [RFC_THUMBPRINT]]);
  });

  it("leaves out what cannot verify a token, and a secret with its public half, and says so", async () => {
    const leaked = pair("ec", { namedCurve: "P-256" });
    issuer.keys = [
      RFC_KEY,
      { ...jwkOf(leaked.privateKey), kid: "private" },
      { ...jwkOf(leaked.publicKey), kid: "its-public-half" },
      { kty: "oct", k: "c2VjcmV0", kid: "shared" },
      { ...RFC_KEY, use: "enc", alg: "RSA-OAEP", kid: "for-encryption" },
    ];
    const { code, out, err } = await run(["keys", "fetch", "--issuer", issuer.origin]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out).keys, [RFC_KEY]);
    for (const kid of ["private", "its-public-half", "shared", "for-encryption"]) {
      assert.match(err, new RegExp(`left out: the key "${kid}"`));
    }
    assert.doesNotMatch(out + err, /"d"|c2VjcmV0/);
  });

  it("writes nothing where no key can serve, or nothing came", async () => {
    const out = folder.file("none.json");
    issuer.keys = [{ kty: "oct", k: "c2VjcmV0" }];
    assert.equal((await run(["keys", "fetch", "--issuer", issuer.origin, "--out", out])).code, 1);
    assert.equal((await run(["verify", "a.b.c", "-i", issuer.origin, "--any-audience"])).code, 3);
    const missing = await run(["keys", "fetch", `${issuer.origin}/nowhere`, "--out", out]);
    assert.deepEqual([missing.code, missing.out], [3, ""]);
    assert.match(missing.err, /answered with status 404/);
    const refused = await run(["keys", "fetch", "http://127.0.0.1:1/jwks", "--out", out]);
    assert.equal(refused.code, 3);
    assert.match(refused.err, /could not be reached/);
    assert.throws(() => statSync(out), { code: "ENOENT" });
  });

  it("takes no keys from where others can answer", async () => {
    for (const args of [["http://login.example/jwks"], ["--issuer", "http://login.example"], ["--issuer", "login"]]) {
      assert.equal((await run(["keys", "fetch", ...args])).code, 2);
    }
    assert.equal((await run(["keys", "fetch", write("set.json", { keys: [RFC_KEY] })])).code, 2);
    assert.equal((await run(["keys", "fetch"])).code, 2);
  });
});

describe("tokenward keys check", () => {
  it("lists the keys with their thumbprints", async () => {
    const { code, out } = await run(["keys", "check", write("good.json", { keys: [RFC_KEY] })]);
    assert.equal(code, 0);
    assert.match(out, /1 of 1 keys can verify tokens/);
    assert.match(out, new RegExp(`"2011-04-29" RS256 RSA +usable +${RFC_THUMBPRINT}`));
  });

  it("knows what makes a set a problem", async () => {
    const weak = { ...jwkOf(pair("rsa", { modulusLength: 1024 }).publicKey), kid: "weak" };
    const secret = { ...jwkOf(pair("ed25519").privateKey), kid: "secret" };
    const other = { ...jwkOf(pair("rsa", { modulusLength: 2048 }).publicKey), kid: RFC_KEY.kid };
    for (const [keys, message] of [
      [[RFC_KEY, weak], /"weak" +RSA .*1024/],
      [[RFC_KEY, secret], /"secret" .*private half is public/],
      [[RFC_KEY, other], /several usable keys have the kid "2011-04-29"/],
      [[RFC_KEY, { ...other, kid: undefined }], /1 of 2 usable keys have no kid/],
      [[], /no key can verify a token/],
    ]) {
      const { code, out } = await run(["keys", "check", write("bad.json", { keys })]);
      assert.equal(code, 1);
      assert.match(out, message);
      assert.doesNotMatch(out, new RegExp(secret.d));
    }
    const twice = folder.file("twice.json");
    writeFileSync(twice, JSON.stringify({ keys: [RFC_KEY] }).replace('"kty"', '"kid":"another","kty"'));
    assert.equal((await run(["keys", "check", twice])).code, 1);
  });

  it("does not mind keys for something else", async () => {
    const encryption = { ...RFC_KEY, use: "enc", kid: "e" };
    const { code, keys } = await runJson(["keys", "check", write("mixed.json", { keys: [RFC_KEY, encryption] })]);
    assert.deepEqual([code, keys.map(({ usable }) => usable)], [0, [true, false]]);
  });

  it("says what is no key set", async () => {
    const { privateKey } = pair("ed25519");
    for (const text of ["<html>", "{}", "[1]", `{"keys":[${JSON.stringify(jwkOf(privateKey))},null]}`]) {
      const path = folder.file("odd.json");
      writeFileSync(path, text);
      const { code, out, err } = await run(["keys", "check", path]);
      assert.deepEqual([code, err], [1, ""], text);
      assert.match(out, /^✗ .*key set|JWK Set/);
      const verified = await run(["verify", "a.b.c", "-k", path, "--any-issuer", "--any-audience"]);
      assert.equal(verified.code, 2);
    }
    const { code, err } = await run(["keys", "check", folder.file("not-there.json")]);
    assert.equal(code, 2);
    assert.match(err, /ENOENT/);
  });
});

describe("tokenward keys diff", () => {
  it("tells keys that came, went, changed or were replaced", async () => {
    const [a, b] = [1, 2].map(() => jwkOf(pair("ec", { namedCurve: "P-256" }).publicKey));
    const before = write("before.json", { keys: [RFC_KEY, { ...a, kid: "a" }] });
    const same = write("same.json", [
      { ...a, kid: "a" },
      { ...RFC_KEY, x5t: "moved" },
    ]);
    const equal = await run(["keys", "diff", before, same]);
    assert.equal(equal.code, 0);
    assert.match(equal.out, /the same 2 keys$/m);
    const single = write("single.json", { keys: [RFC_KEY] });
    assert.match((await run(["keys", "diff", single, single])).out, /the same key$/m);
    const now = write("after.json", {
      keys: [
        { ...RFC_KEY, kid: "renamed" },
        { ...b, kid: "a" },
        { ...jwkOf(pair("ed25519").publicKey), kid: "new" },
      ],
    });
    const { code, out } = await run(["keys", "diff", before, now]);
    assert.equal(code, 1);
    assert.match(out, /^- "a" .*is no longer there$/m);
    assert.match(out, /^~ "renamed" +kid was "2011-04-29" and is "renamed"$/m);
    assert.match(out, /^~ "a" .*another key under the same kid$/m);
    assert.match(out, /^\+ "new" .*is new: usable$/m);
    const { changes } = await runJson(["keys", "diff", before, now]);
    assert.deepEqual(changes.map(({ kind }) => kind).sort(), ["added", "changed", "removed", "replaced"]);
    assert.equal((await run(["keys", "diff", before])).code, 2);
  });

  it("compares a bundle with its issuer", async () => {
    const issuer = await startIssuer();
    issuer.keys = [RFC_KEY];
    const bundle = write("committed.json", { keys: [RFC_KEY] });
    assert.equal((await run(["keys", "diff", bundle, "--issuer", issuer.origin])).code, 0);
    issuer.keys = [];
    assert.equal((await run(["keys", "diff", bundle, "--issuer", issuer.origin])).code, 1);
    await issuer.close();
  });
});

describe("tokenward doctor", () => {
  const statuses = (findings) => Object.fromEntries(findings.map(({ name, status }) => [name, status]));

  it("finds a real provider in order", async () => {
    const provider = await startProvider({ port: 0, apps: ["https://app.example"] });
    const { code, findings, configuration } = await runJson(["doctor", provider.issuer]);
    const { out } = await runOnTerminal(["doctor", provider.issuer]);
    await provider.close();
    assert.equal(code, 0);
    assert.deepEqual(statuses(findings), {
      discovery: "ok",
      keys: "ok",
      algorithms: "ok",
      refresh: "ok",
      revocation: "ok",
      PKCE: "ok",
      clock: "ok",
      CORS: "ok",
    });
    assert.match(configuration, new RegExp(`issuer: "${provider.issuer}"`));
    assert.match(out, /To copy/);
  });

  it("finds what is missing or wrong", async () => {
    const date = new Date(Date.now() - 7_200_000).toUTCString();
    const issuer = await startIssuer({
      headers: { date },
      metadata: { id_token_signing_alg_values_supported: ["HS256"], grant_types_supported: ["authorization_code"] },
    });
    issuer.keys = [{ kty: "oct", k: "c2VjcmV0", kid: "s" }];
    const { code, findings } = await runJson(["doctor", issuer.origin, "--origin", "https://mine.example"]);
    assert.ok(issuer.requests.every(({ headers }) => headers.origin === "https://mine.example"));
    await issuer.close();
    assert.equal(code, 1);
    assert.deepEqual(statuses(findings), {
      discovery: "ok",
      keys: "problem",
      algorithms: "problem",
      refresh: "warning",
      revocation: "warning",
      PKCE: "warning",
      clock: "problem",
      CORS: "warning",
    });
  });

  it("judges endpoints of whatever type, and shows no character that is more than one", async () => {
    const issuer = await startIssuer();
    issuer.keys = [RFC_KEY];
    for (const [metadata, refresh, revocation] of [
      [{ revocation_endpoint: null, token_endpoint: null, grant_types_supported: null }, "warning", "warning"],
      [{ revocation_endpoint: 5, token_endpoint: { toString: 1 } }, "problem", "problem"],
      [{ revocation_endpoint: "", token_endpoint: "x\u009b31m" }, "problem", "problem"],
      [{ revocation_endpoint: "http://a.example/", token_endpoint: "https://a:b@a.example/" }, "problem", "problem"],
      [{ revocation_endpoint: "javascript:1", token_endpoint: "https://a.example/\u202e" }, "problem", "problem"],
      [{ revocation_endpoint: "https://a.example/r", token_endpoint: "http://localhost:1/t" }, "ok", "ok"],
    ]) {
      issuer.metadata = metadata;
      const said = await runJson(["doctor", issuer.origin]);
      const found = statuses(said.findings);
      assert.deepEqual([found.refresh, found.revocation], [refresh, revocation], JSON.stringify(metadata));
      assert.equal(said.code, [refresh, revocation].includes("problem") ? 1 : 0);
      const { code, out, err } = await run(["doctor", issuer.origin]);
      assert.deepEqual([code, err], [said.code, ""]);
      assert.doesNotMatch(out, /[^\P{Cc}\n]|\p{Cf}/u);
    }
    await issuer.close();
    const nested = `{"token_endpoint":${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    const server = await startServer(({ url }, response) => {
      if (url === "/jwks") return json(response, 200, { keys: [RFC_KEY] });
      json(response, 200, `${nested},"issuer":"${server.origin}","jwks_uri":"${server.origin}/jwks"}`);
    });
    const { code, findings } = await runJson(["doctor", server.origin]);
    await server.close();
    assert.deepEqual([code, statuses(findings).refresh], [1, "problem"]);
  });

  it("says what stands in the way of the metadata", async () => {
    const odd = await startIssuer();
    odd.keys = [null];
    const { code, findings } = await runJson(["doctor", odd.origin]);
    await odd.close();
    assert.deepEqual([code, statuses(findings).keys], [1, "problem"]);
    const issuer = await startIssuer({ metadata: { issuer: "https://another.example" } });
    const other = await run(["doctor", issuer.origin]);
    await issuer.close();
    assert.equal(other.code, 1);
    assert.match(other.out, /issuer_mismatch.*another\.example/);
    const gone = await run(["doctor", issuer.origin]);
    assert.equal(gone.code, 3);
    assert.match(gone.out, /unreachable.*ECONNREFUSED/);
    const bare = await startServer((_, response) => json(response, 404, "{}"));
    const missing = await run(["doctor", bare.origin]);
    await bare.close();
    assert.equal(missing.code, 1);
    assert.match(
      missing.out,
      /\/oauth-authorization-server, as http:\S+\/openid-configuration before, answered with status 404/,
    );
    assert.equal((await run(["doctor"])).code, 2);
    assert.equal((await run(["doctor", "http://login.example"])).code, 2);
  });
});

describe("tokenward", () => {
  const COMMANDS = ["verify", "inspect", "keys fetch", "keys check", "keys diff", "doctor"];

  it("has a help text for each command, with examples and exit codes", async () => {
    const { code, out } = await run(["--help"]);
    assert.equal(code, 0);
    for (const command of COMMANDS) {
      assert.ok(out.includes(command));
      const help = await run([...command.split(" "), "--help"]);
      assert.equal(help.code, 0);
      assert.match(help.out, new RegExp(`^Usage: npx tokenward ${command} `));
      assert.match(help.out, /^Examples:\n {2}\S.*npx tokenward|^Examples:\n {2}npx tokenward/m);
      assert.match(help.out, /^Exit codes:\n {2}0 /m);
      for (const line of help.out.split("\n")) assert.ok(line.length <= 130, line);
    }
  });

  it("says its version, and what it does not know", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.equal((await run(["--version"])).out, `${version}\n`);
    for (const [args, message] of [
      [["verfy"], /no such command/],
      [["keys"], /no such command/],
      [["inspect", "--isuer", "x"], /no option --isuer/],
      [["inspect", "--issuer"], /--issuer needs a value: URL/],
      [["inspect", "--at", "noon", "a.b.c"], /--at should be/],
      [["verify", "--any-issuer=yes"], /--any-issuer takes no value/],
      [["inspect", "--tolerance", "5 s", "a.b.c"], /"--tolerance" should be a number of seconds/],
      [["doctor", "https://login.example", "--origin", "mine"], /should be a URL/],
      [["doctor", "localhost:3017"], /write http:\/\/localhost:3017$/m],
      [["doctor", "login.example:8443/realms/a"], /write https:\/\/login\.example:8443$/m],
      [["doctor", "http://idp.local:3018"], /http is only for this device: localhost, \*\.localhost,/],
      [
        ["doctor", "https://login.example/realms/a/.well-known/openid-configuration"],
        /give the issuer, such as .*https:\/\/login\.example\/realms\/a\W*: exactly/,
      ],
      [
        ["doctor", "https://login.example/.well-known/oauth-authorization-server/a"],
        /give the issuer, such as .*https:\/\/login\.example\/a\W*: exactly/,
      ],
    ]) {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [2, ""], err);
      assert.match(err, message);
    }
    assert.equal((await run([])).code, 2);
  });

  it("says a mistake as JSON where that is asked for", async () => {
    const { code, ok, error } = await runJson(["inspect", "--file", folder.file("nowhere")]);
    assert.deepEqual([code, ok, error.code], [2, false, "usage"]);
  });
});

it("keys check names the file that is no key set", async () => {
  const path = folder.file("page.html");
  writeFileSync(path, "<html>");
  const { code, out } = await run(["keys", "check", path]);
  assert.equal(code, 1);
  assert.match(out, /the key set in ".*page\.html" is not JSON/);
});
