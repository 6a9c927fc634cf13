// Somebody who wants in, at each kind of server: with every flaw that a token can have, with a good one where none belongs, and
// with requests that are read in two ways. Tokens are those of `tokenward/testing`.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { createTestIssuer, FLAWS } from "tokenward/testing";
import { listen } from "../../tools/listen.mjs";
import { client, proofBy } from "../support/dpop.mjs";
import { send } from "./raw.mjs";
import { listenerOf, SERVERS } from "./servers.mjs";

const RULES = [
  { match: "/admin/*", needs: { role: "admin" } },
  { match: "/*", needs: { scope: "read" } },
];

for (const [name, serve] of Object.entries(SERVERS)) {
  describe(name, () => {
    let issuer;
    let origin;
    let good;
    let answers;
    const server = createServer((request, response) => answers(request, response));
    before(async () => {
      issuer = await createTestIssuer();
      origin = await listen(server, { port: 0, name: "a test" });
      const keys = createKeyStore({
        verifier: createVerifier(issuer.options),
        bundled: issuer.jwks,
        issuer: issuer.issuer,
        storage: memoryStorage(),
        fetch: issuer.fetch,
        now: issuer.clock.now,
      });
      answers = listenerOf(await serve(createGate({ verifier: keys, rules: RULES, origin })));
      good = await issuer.token({ scope: "read" });
    });
    after(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    });
    const ask = (headers, line = "GET /notes/1", body = "") => send(origin, line, headers, new URL(origin).host, body);
    const isServed = (answer) => /^HTTP\/1.1 200 .*\bfor /s.test(answer);

    it("serves who may", async () => assert.ok(isServed(await ask({ authorization: `Bearer ${good}` }))));

    for (const [flaw, code] of Object.entries(FLAWS)) {
      it(`refuses a token with the flaw ${flaw}`, async () => {
        const token = await issuer.token({ scope: "read", roles: ["admin"] }, { flaw });
        for (const line of ["GET /notes/1", "POST /notes/1", "GET /admin/users"]) {
          const answer = await ask({ authorization: `Bearer ${token}` }, line);
          // Node itself takes no more than 16 KiB of headers.
          const expected = code === "too_large" ? /^HTTP\/1.1 431 / : new RegExp(`^HTTP/1.1 401 .*"${code}"`, "s");
          assert.match(answer, expected);
        }
      });
    }

    it("takes a good token from nowhere but its header", async () => {
      const cases = [
        [{ "x-authorization": `Bearer ${good}` }],
        [{ "proxy-authorization": `Bearer ${good}` }],
        [{ "x-forwarded-authorization": `Bearer ${good}`, "x-access-token": good }],
        [{ cookie: `access_token=${good}; authorization=Bearer ${good}` }],
        [{}, `GET /notes/1?access_token=${good}`],
        [{}, `GET /notes/1?authorization=Bearer%20${good}`],
        [{}, `GET /notes/1#access_token=${good}`],
        [
          { "content-type": "application/x-www-form-urlencoded", "content-length": `${good.length + 13}` },
          "POST /notes/1",
          `access_token=${good}`,
        ],
        [{ authorization: good }],
        [{ authorization: `Token ${good}` }],
        [{ authorization: `Bearer\u00a0${good}` }],
        [{ authorization: `Bearer:${good}` }],
        [{ authorization: `Bearer "${good}"` }],
        [{ authorization: `Bearer ${good}, Bearer ${good}` }],
        [{ authorization: `Bearer ${good} ${good}` }],
        [{ authorization: `Basic ${Buffer.from(`ada:${good}`).toString("base64")}` }],
        [{ authorization: `DPoP ${good}` }],
        [{ authorization: `Bearer ${good}`, Authorization: "Bearer x" }],
        [{ authorization: "Bearer x", Authorization: `Bearer ${good}` }],
        [{ authorization: "Basic eA==", Authorization: `Bearer ${good}` }],
      ];
      for (const [headers, line, body] of cases) {
        assert.match(await ask(headers, line, body), /^HTTP\/1.1 40[01] /, JSON.stringify([headers, line]));
      }
    });

    it("gives no more rights to what a client says beside its token", async () => {
      const headers = { authorization: `Bearer ${good}` };
      const claims = { "x-user": "root", "x-role": "admin", "x-original-url": "/notes/1", "x-rewrite-url": "/notes/1" };
      for (const [line, more] of [
        ["GET /admin/users", {}],
        ["GET /admin/users?role=admin&roles=admin", claims],
        ["GET /notes/../admin/users", claims],
        ["GET /notes/%2e%2e/admin/users", claims],
        ["GET /notes/..%2fadmin/users", claims],
        ["GET //admin/users", claims],
        ["GET /%61dmin/users", claims],
        ["GET /admin;x/users", claims],
        ["GET /admin", claims],
        ["GET /admin/", claims],
        [`GET ${origin}/admin/users`, claims],
        ["POST /admin/users", { ...claims, "x-http-method-override": "GET", "content-length": "0" }],
        ["OPTIONS /admin/users", claims],
        ["HEAD /admin/users", claims],
        ["TRACE /admin/users", claims],
      ]) {
        const answer = await ask({ ...headers, ...more }, line);
        assert.ok(!/^HTTP\/1.1 200 /.test(answer), `${line}: ${answer.slice(0, 40)}`);
      }
      for (const roles of ["root", "admin,user", ["ADMIN"], { admin: true }, [["admin"]], true]) {
        const token = await issuer.token({ scope: "read", roles });
        assert.match(await ask({ authorization: `Bearer ${token}` }, "GET /admin/users"), /^HTTP\/1.1 403 /);
      }
    });

    it("lets nobody in by another issuer's key, or by one that was withdrawn", async () => {
      const other = await createTestIssuer();
      const foreign = await other.token({ scope: "read" });
      assert.match(await ask({ authorization: `Bearer ${foreign}` }), /^HTTP\/1.1 401 /);
      assert.ok(isServed(await ask({ authorization: `Bearer ${good}` })));
    });
  });
}

describe("somebody who has taken a token that is bound to a key", () => {
  it("gets nothing by it, whatever is made with another key", async () => {
    const issuer = await createTestIssuer();
    const [ada, eve] = [client(), client()];
    const origin = "https://api.test";
    const gate = createGate({ verifier: createVerifier(issuer.options), rules: RULES, origin, dpop: true });
    const stolen = await issuer.token({ scope: "read", cnf: { jkt: ada.jkt } });
    const own = await issuer.token({ scope: "read", cnf: { jkt: eve.jkt } });
    const now = issuer.clock.now();
    const url = `${origin}/notes/1`;
    const proof = (by, facts) => proofBy(by, { url, token: stolen, now, ...facts });
    const ask = async (token, dpop, scheme = "DPoP") => {
      const headers = new Headers({ authorization: `${scheme} ${token}`, ...(dpop && { dpop }) });
      return (await gate.admit({ url, headers })).response?.status ?? 200;
    };
    const seen = proof(ada);
    assert.equal(await ask(stolen, seen), 200);
    for (const [name, dpop, scheme] of [
      ["a proof that was seen", seen],
      ["no proof", undefined],
      ["none, as a bearer token", undefined, "Bearer"],
      ["a proof of another key", proof(eve)],
      ["the right key in a proof of another one", proof(eve, { header: { jwk: ada.jwk } })],
      ["the right key's name in it", proof(eve, { header: { kid: ada.jkt, jwk: { ...eve.jwk, kid: ada.jkt } } })],
      ["a proof for another token of the same client", proof(ada, { token: own })],
      ["the own proof for the own token", proofBy(eve, { url, token: own, now })],
      ["an old proof", proof(ada, { now: now - 3600 })],
      ["a proof made for later", proof(ada, { now: now + 3600 })],
      ["the token itself as proof", stolen],
    ]) {
      assert.equal(await ask(stolen, dpop, scheme), 401, name);
    }
    for (const flaw of Object.keys(FLAWS)) {
      const token = await issuer.token({ scope: "read", cnf: { jkt: eve.jkt } }, { flaw });
      assert.equal(await ask(token, proofBy(eve, { url, token, now })), 401, flaw);
    }
  });
});
