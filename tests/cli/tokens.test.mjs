// `tokenward verify` and `tokenward inspect`, as processes.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { createTestIssuer, FLAWS } from "tokenward/testing";
import { json, startServer } from "../providers/server.mjs";
import { makeFolder, run, runJson, runOnTerminal } from "./run.mjs";

const ESCAPE = "\u001b";

let server;
let issuer;
let folder;
let token;
/** What `verify` is told of the issuer, by which it finds the keys. */
let known;

before(async () => {
  folder = makeFolder();
  server = await startServer(async (request, response) => {
    const answer = await issuer.fetch(`${server.origin}${request.url}`);
    json(response, answer.status, await answer.text());
  });
  issuer = await createTestIssuer({ issuer: server.origin, audience: "app" });
  token = await issuer.token({ sub: "ada" });
  known = ["--issuer", server.origin, "--audience", "app"];
  writeFileSync(folder.file("token.txt"), `Bearer ${token}\n`);
  writeFileSync(folder.file("jwks.json"), JSON.stringify(issuer.jwks));
});
after(async () => {
  await server.close();
  folder.remove();
});

describe("tokenward verify", () => {
  it("takes the token from the argument, a file or the standard input", async () => {
    for (const [args, input] of [
      [[token]],
      [["--file", folder.file("token.txt")]],
      [[`Authorization: Bearer ${token}`]],
      [[`DPoP ${token}`]],
      [[], `${token}\n`],
      [["-"], `bearer ${token}`],
    ]) {
      const { code, out, err } = await run(["verify", ...args, ...known], { input });
      assert.equal(code, 0, err);
      assert.match(out, /^✓ valid: signed with ES256 by the key "ES256-1" of http:\/\/127\.0\.0\.1:\d+\n/);
      assert.match(out, /^ {2}sub {2}"ada"$/m);
      assert.match(out, /^ {2}exp {2}\d+ \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in 1\d minutes\)$/m);
      assert.equal(err, "");
    }
  });

  it("takes the keys from a file, an address or the issuer", async () => {
    for (const keys of [
      ["--keys", folder.file("jwks.json"), "--any-issuer", "--any-audience"],
      ["--keys", `${server.origin}/jwks`, "-i", server.origin, "-a", "another", "-a", "app"],
      known,
    ]) {
      const { code, ok, claims, header } = await runJson(["verify", token, ...keys]);
      assert.deepEqual([code, ok, claims.sub, header.alg], [0, true, "ada", "ES256"]);
    }
  });

  for (const flaw of ["alg_none", "wrong_key", "wrong_audience", "too_large"]) {
    it(`refuses a token with ${flaw}`, async () => {
      const { code, ok, error } = await runJson(["verify", ...known], { input: await issuer.token({}, { flaw }) });
      assert.deepEqual([code, ok, error.code], [1, false, FLAWS[flaw]]);
    });
  }

  it("checks what else it is told, as of when it is told", async () => {
    const exits = async (...args) => (await run(["verify", token, ...known, ...args])).code;
    const later = String(issuer.clock.now() + 3600);
    const date = new Date(Number(later) * 1000).toISOString();
    assert.equal(await exits("--at", later), 1);
    assert.equal(await exits("--at", date), 1);
    assert.equal(await exits("--at", date, "--tolerance", "1h"), 0);
    assert.equal(await exits("--subject", "grace"), 1);
    assert.equal(await exits("--type", "at+jwt"), 1);
    assert.equal(await exits("--algorithm", "ES256", "--algorithm", "RS256", "--require", "sub", "--max-age", "1h"), 0);
    assert.equal(await exits("--require", "scope"), 1);
  });

  it("checks an ID token as the request asked for it", async () => {
    const accessToken = await issuer.token({ scope: "notes:read" });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Buffer.from(accessToken)));
    const at_hash = Buffer.from(digest.slice(0, 16)).toString("base64url");
    const auth_time = issuer.clock.now() - 600;
    const idToken = await issuer.token({ nonce: "n-0S6_WzA2Mj", at_hash, auth_time });
    const file = folder.file("access-token.txt");
    writeFileSync(file, `Bearer ${accessToken}\n`);
    const said = (...args) => runJson(["verify", ...known, "--profile", "id_token", ...args], { input: idToken });
    for (const args of [
      [],
      ["--nonce", "n-0S6_WzA2Mj"],
      ["--access-token", accessToken],
      ["--access-token", `@${file}`, "--max-auth-age", "15m", "--nonce", "n-0S6_WzA2Mj"],
    ]) {
      const { code, ok } = await said(...args);
      assert.deepEqual([code, ok], [0, true], args.join(" "));
    }
    for (const [args, expected] of [
      [
        ["--nonce", "another"],
        ["claim_mismatch", "nonce"],
      ],
      [
        ["--access-token", token],
        ["claim_mismatch", "at_hash"],
      ],
      [
        ["--max-auth-age", "5m"],
        ["too_old", "auth_time"],
      ],
    ]) {
      const { code, ok, error } = await said(...args);
      assert.deepEqual([code, ok, error.code, error.claim], [1, false, ...expected], args.join(" "));
    }
    const bare = await runJson(["verify", ...known, "--profile", "id_token", "--nonce", "n"], { input: token });
    assert.deepEqual([bare.error.code, bare.error.claim], ["missing_claim", "nonce"]);
    assert.equal(
      (await runJson(["verify", ...known, "--profile", "at+jwt"], { input: token })).error.code,
      "unexpected_type",
    );
  });

  it("takes no expectation that it would not check, and never says a token", async () => {
    for (const [args, message] of [
      [["--nonce", "n", ...known], /--nonce is about ID tokens: it needs --profile id_token/],
      [["--access-token", token, ...known, "--profile", "at+jwt"], /--access-token is about ID tokens/],
      [["--max-auth-age", "1h", ...known], /--max-auth-age is about ID tokens/],
      [["--profile", "id_token", "--nonce", "", ...known], /--nonce is empty/],
      [["--profile", "id_token", "--access-token", "", ...known], /--access-token is empty/],
      [["--profile", "id_token", "--access-token", "@", ...known], /@, and no path/],
      [["--profile", "id_token", "--nonce", "a", "--nonce", "b", ...known], /--nonce is given twice/],
      [["--profile", "id_token", "--profile=at+jwt", ...known], /--profile is given twice/],
      [["-i", "https://a.example", ...known, "--issuer", "https://b.example"], /--issuer is given twice/],
      [["--profile", "id_token", "--access-token", `@${folder.file("none")}`, ...known], /access token cannot be read/],
      [["--profile", "id_token", "--max-auth-age", "soon", ...known], /--max-auth-age/],
      [["--profile", "access", ...known], /"profile" should be/],
      [["--profile", "id_token", "--keys", folder.file("jwks.json"), "--any-issuer", "--any-audience"], /issuer/],
    ]) {
      const { code, out, err } = await run(["verify", ...args], { input: token });
      assert.deepEqual([code, out], [2, ""], err);
      assert.match(err, message);
      assert.doesNotMatch(err, new RegExp(token.split(".")[1]));
    }
  });

  it("wants to be told the issuer and the audience, or that any will do", async () => {
    for (const [args, message] of [
      [[], /which issuer.*--any-issuer/],
      [["--any-issuer"], /which audience.*--any-audience/],
      [["--any-issuer", "--any-audience"], /--keys/],
      [["--issuer", "https://a.example", "--any-issuer"], /contradict/],
    ]) {
      const { code, out, err } = await run(["verify", token, ...args]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, message);
    }
  });
});

describe("tokenward inspect", () => {
  it("explains a token, and never calls it valid without a key", async () => {
    const { code, out } = await run(["inspect", token]);
    assert.equal(code, 0);
    assert.match(out, /^\? not verified/);
    assert.match(out, /^✓ form/m);
    assert.match(out, /^✓ expiry +expires .* in 1\d minutes$/m);
    assert.match(out, /^\? signature +not checked/m);
    assert.doesNotMatch(out, /\bvalid\b/);
    const { verdict } = await runJson(["inspect", token]);
    assert.equal(verdict, "unverified");
  });

  it("says nothing of what was signed with a key that everybody knows", async () => {
    // RFC 8037, appendix A: the private half is printed there.
    const jwk = { kty: "OKP", crv: "Ed25519", d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" };
    const key = await crypto.subtle.importKey(
      "jwk",
      { ...jwk, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
      "Ed25519",
      false,
      ["sign"],
    );
    const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const input = `${encoded({ alg: "EdDSA" })}.${encoded({ sub: "mallory", exp: 4_000_000_000 })}`;
    const signature = Buffer.from(await crypto.subtle.sign("Ed25519", key, Buffer.from(input))).toString("base64url");
    const { verdict } = await runJson(["inspect", `${input}.${signature}`]);
    assert.equal(verdict, "unverified");
  });

  it("says of each flaw that shows without a key that the token would be refused", async () => {
    for (const [flaw, expected] of Object.entries(FLAWS)) {
      const needsKey = ["key_not_found", "bad_signature"].includes(expected);
      const { code, verdict, checks } = await runJson(
        ["inspect", "-i", server.origin, "-a", "app", "-k", folder.file("jwks.json")],
        {
          input: await issuer.token({}, { flaw }),
        },
      );
      assert.deepEqual([code, verdict], [1, "refused"], flaw);
      const alone = checks.filter(({ name, status }) => status === "problem" && name !== "verdict");
      assert.equal(alone.length === 0, needsKey, flaw);
    }
  });

  it("says valid with a key, and what was not compared", async () => {
    const { code, out } = await run(["inspect", token, "--keys", folder.file("jwks.json")]);
    assert.equal(code, 0);
    assert.match(out, /^✓ valid, by the keys of .*jwks\.json, whatever the issuer and the audience$/m);
    assert.match(out, /^✓ signature +holds: ES256/m);
    assert.match(out, /^\? audience +"app"; not compared/m);
  });

  it("explains what is no token", async () => {
    for (const text of ["hello", "a.b.c", "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"]) {
      const { code, verdict, checks } = await runJson(["inspect", text]);
      assert.deepEqual([code, verdict, checks[0].code], [1, "unverified", "malformed"], text);
      assert.equal(/an opaque token\?.*Ask for a JWT/.test(checks[0].message), text === "hello", text);
    }
    const { code, out, err } = await run(["verify", "SlAV32hkKG", ...known]);
    assert.equal(code, 1);
    assert.match(out, /refused \(malformed\)/);
    assert.match(err, /an opaque token\?.*Ask for a JWT/);
  });
});

describe("claims without end", () => {
  for (const [depth, expected] of [
    [65, "malformed"],
    [201, "malformed"],
    [30_000, "too_large"],
  ]) {
    it(`are refused at ${depth} levels, and never a mistake in tokenward`, async () => {
      const part = (text) => Buffer.from(text).toString("base64url");
      const claims = `{"exp":9999999999,"aud":"app","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      const input = `${part('{"alg":"ES256"}')}.${part(claims)}.${part("x".repeat(64))}`;
      const { code, out, err } = await run(["inspect"], { input });
      assert.deepEqual([code, err], [1, ""]);
      assert.match(out, depth > 200 ? /^Claims: cannot be read$/m : /^Claims$/m);
      assert.match(out, new RegExp(`form +${expected}`));
      const said = await runJson(["inspect"], { input });
      assert.deepEqual([said.code, said.verdict, said.checks[0].code], [1, "unverified", expected]);
      assert.equal((await runJson(["verify", ...known], { input })).error.code, expected);
    });
  }
});

describe("a token", () => {
  const parts = () => token.split(".");

  it("is never printed, whatever goes wrong", async () => {
    for (const args of [
      ["verify", token],
      ["verify", token, token, ...known],
      ["verify", "--keys", token, "--any-issuer", "--any-audience", token],
      ["verify", "--issuer", token, "--any-audience"],
      ["verify", "--at", token, token, ...known],
      ["verify", `--${token}`],
      ["inspect", "--file", token],
      ["inspect", token, "--audience", token],
      [token],
      ["keys", "check", token],
      ["keys", token],
      ["doctor", token],
    ]) {
      for (const more of [[], ["--json"]]) {
        const { out, err } = await run([...args, ...more]);
        for (const part of parts()) assert.doesNotMatch(out + err, new RegExp(part), args.join(" "));
      }
    }
  });

  it("in a claim is printed only if asked for", async () => {
    const outer = await issuer.token({ inner: token });
    const [, , signature] = parts();
    for (const args of [["inspect"], ["inspect", "--json"], ["verify", ...known], ["verify", "--json", ...known]]) {
      assert.doesNotMatch((await run(args, { input: outer })).out, new RegExp(signature));
    }
    const spaced = Buffer.from('{ "alg": "ES256" }').toString("base64url");
    const other = await issuer.token({ inner: [spaced, "e30", signature].join(".") });
    assert.doesNotMatch((await run(["inspect"], { input: other })).out, new RegExp(signature));
    assert.equal((await runJson(["inspect", "--show-tokens"], { input: outer })).claims.inner, token);
  });

  it("cannot write to the terminal more than characters", async () => {
    const evil = await issuer.token({
      sub: `${ESCAPE}[2J\u009b31m\u202egnp\n✓ valid`,
      [`${ESCAPE}]0;title`]: 1,
    });
    for (const args of [["inspect"], ["inspect", "--json"]]) {
      const { out } = await run(args, { input: evil });
      assert.doesNotMatch(out, /[^\P{Cc}\n]|\p{Cf}/u);
      assert.doesNotMatch(out, /^✓ valid/m);
    }
    assert.equal((await runJson(["inspect"], { input: evil })).claims.sub, `${ESCAPE}[2J\u009b31m\u202egnp\n✓ valid`);
  });
});

describe("on a terminal", () => {
  it("has color, and elsewhere none", async () => {
    const args = ["inspect", "--file", folder.file("token.txt")];
    assert.ok((await runOnTerminal(args)).out.includes(`${ESCAPE}[32m✓${ESCAPE}[0m form`));
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      assert.ok(!(await runOnTerminal(args, { env })).out.includes(ESCAPE));
    }
    assert.ok(!(await run(args)).out.includes(ESCAPE));
    assert.ok(!(await runOnTerminal([...args, "--json"])).out.includes(ESCAPE));
  });

  it("asks for the token, and takes the line that is typed", async () => {
    const { code, out } = await runOnTerminal(["verify", ...known], { input: `${token}\n` });
    assert.match(out, /Paste the token/);
    assert.match(out, /valid: signed with ES256/);
    assert.equal(code, 0);
  });
});
