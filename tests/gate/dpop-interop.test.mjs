// DPoP end to end: oidc-provider binds the tokens, oauth4webapi, the package dpop and raw requests present them, and a gate in
// front of each kind of server judges them. All on loopback.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import * as dpop from "dpop";
import * as oauth from "oauth4webapi";
import { createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { memoryStorage } from "tokenward/storage";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { listen } from "../../tools/listen.mjs";
import { client as holderOf, proofBy } from "../support/dpop.mjs";
import { send } from "./raw.mjs";
import { listenerOf, SERVERS } from "./servers.mjs";

const SECRET = "a secret of the resource's servers";
const CLIENT = { client_id: "machine", client_secret: "a secret of the client's" };
const INSECURE = { [oauth.allowInsecureRequests]: true };
const closing = [];

let provider;
let resource;
before(async () => {
  provider = await startProvider();
  resource = await startServer((gate) => async (request) => {
    const answer = await gate.handle(request, (_request, { claims }) => Response.json({ sub: claims.sub }));
    return answer ?? new Response(null, { status: 404 });
  });
});
after(async () => {
  for (const server of closing) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
});

/** A provider whose client gets tokens for the audience that it asks for. */
async function startProvider() {
  const warn = console.warn;
  console.warn = () => {};
  try {
    const { default: Provider } = await import("oidc-provider");
    const server = createServer();
    closing.push(server);
    const issuer = await listen(server, { port: 0, name: "a test's provider" });
    const { privateKey } = generateKeyPair("ec", { namedCurve: "P-256" });
    const made = new Provider(issuer, {
      clients: [
        {
          ...CLIENT,
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: "ES256",
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
      scopes: ["read"],
      enabledJWA: { dPoPSigningAlgValues: ["ES256", "Ed25519", "RS256", "PS256"] },
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        dPoP: { enabled: true, nonceSecret: createHash("sha256").update("nonce").digest() },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, audience) => ({
            scope: "read",
            audience,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: "ES256" } },
          }),
        },
      },
    });
    server.on("request", made.callback());
    return { issuer };
  } finally {
    console.warn = warn;
  }
}

/** A resource of its own origin, whose gate wants proofs with nonces. `serve` makes what answers of the gate. */
async function startServer(serve, options = {}) {
  let answer;
  const server = createServer((request, response) => answer(request, response));
  closing.push(server);
  const origin = await listen(server, { port: 0, name: "a test's resource" });
  const bundled = await (await fetch(`${provider.issuer}/jwks`)).json();
  const verifier = createVerifier({ jwks: bundled, issuer: provider.issuer, audience: origin, typ: "at+jwt" });
  const jwksUri = `${provider.issuer}/jwks`;
  const gate = createGate({
    verifier: createKeyStore({ verifier, bundled, jwksUri, storage: memoryStorage() }),
    rules: [{ match: "/*", needs: { scope: "read" } }],
    origin,
    resource: { identifier: origin, authorizationServers: [provider.issuer], scopes: ["read"] },
    dpop: { nonce: SECRET },
    ...options,
  });
  answer = listenerOf(await serve(gate));
  return { origin };
}

/** What the client does: it learns of the provider, and has a token bound to its key. */
async function boundToken(keyPair, audience) {
  const issuer = new URL(provider.issuer);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  const client = { client_id: CLIENT.client_id };
  const handle = oauth.DPoP(client, keyPair);
  const ask = async () => {
    const authentication = oauth.ClientSecretBasic(CLIENT.client_secret);
    const parameters = { scope: "read", resource: audience };
    const options = { DPoP: handle, ...INSECURE };
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, options);
    return oauth.processClientCredentialsResponse(as, client, response);
  };
  const { access_token: token, token_type: type } = await ask().catch((error) => {
    if (oauth.isDPoPNonceError(error)) return ask();
    throw error;
  });
  assert.equal(type, "dpop");
  return { token, handle };
}

describe("oauth4webapi", () => {
  it("finds the resource, gets a token for it, and is let in with the nonce that it is told", async () => {
    const found = await oauth.resourceDiscoveryRequest(new URL(resource.origin), INSECURE);
    const metadata = await oauth.processResourceDiscoveryResponse(new URL(resource.origin), found);
    assert.equal(metadata.dpop_bound_access_tokens_required, true);
    assert.ok(metadata.dpop_signing_alg_values_supported.includes("ES256"));
    for (const alg of ["ES256", "Ed25519"]) {
      const { token, handle } = await boundToken(await oauth.generateKeyPair(alg), resource.origin);
      const url = new URL(`${resource.origin}/notes/a%20b?q=1`);
      const ask = () =>
        oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, { DPoP: handle, ...INSECURE });
      await assert.rejects(ask(), (error) => {
        assert.ok(error instanceof oauth.WWWAuthenticateChallengeError && oauth.isDPoPNonceError(error));
        const [{ scheme, parameters }] = error.cause;
        assert.deepEqual([scheme, parameters.error, error.status], ["dpop", "use_dpop_nonce", 401]);
        assert.equal(parameters.resource_metadata, `${resource.origin}/.well-known/oauth-protected-resource`);
        return true;
      });
      for (let count = 0; count < 3; count++) {
        const response = await ask();
        assert.deepEqual([response.status, await response.json()], [200, { sub: CLIENT.client_id }]);
      }
    }
  });

  it("is told by a challenge it can read what is wrong with a bearer token", async () => {
    const { token } = await boundToken(await oauth.generateKeyPair("ES256"), resource.origin);
    const asking = oauth.protectedResourceRequest(
      token,
      "GET",
      new URL(`${resource.origin}/`),
      undefined,
      undefined,
      INSECURE,
    );
    await assert.rejects(asking, ({ cause: [{ scheme, parameters }] }) => {
      assert.deepEqual([scheme, parameters.error], ["dpop", "invalid_token"]);
      return true;
    });
  });

  it("judges the same requests alike, as a resource server", async () => {
    const holder = holderOf();
    const keyPair = {
      publicKey: await crypto.subtle.importKey("jwk", holder.jwk, { name: "ECDSA", namedCurve: "P-256" }, true, [
        "verify",
      ]),
      privateKey: await crypto.subtle.importKey(
        "jwk",
        holder.privateJwk,
        { name: "ECDSA", namedCurve: "P-256" },
        true,
        ["sign"],
      ),
    };
    const plain = await startServer((gate) => async (request) => await gate.handle(request, () => new Response("in")), {
      dpop: true,
    });
    const { token } = await boundToken(keyPair, plain.origin);
    const url = `${plain.origin}/notes`;
    const now = Math.floor(Date.now() / 1000);
    const as = { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` };
    for (const [name, facts] of [
      ["good", {}],
      ["another method", { method: "PUT" }],
      ["another URL", { url: `${plain.origin}/x` }],
      ["too old", { now: now - 600 }],
      ["another token", { claims: { ath: "x" } }],
      ["another type", { header: { typ: "JWT" } }],
      ["another key", { by: holderOf() }],
      ["no identifier", { claims: { jti: undefined } }],
      ["a private key", { header: { jwk: holder.privateJwk } }],
      ["another alg", { header: { alg: "none" } }],
    ]) {
      const proof = () => proofBy(facts.by ?? holder, { url, token, now, ...facts });
      const headers = () => ({ authorization: `DPoP ${token}`, dpop: proof() });
      const ours = await fetch(url, { headers: headers() });
      const request = new Request(url, { headers: headers() });
      const theirs = await oauth
        .validateJwtAccessToken(as, request, plain.origin, { requireDPoP: true, ...INSECURE })
        .then(
          () => 200,
          () => 401,
        );
      assert.deepEqual([ours.status, theirs], Array(2).fill(name === "good" ? 200 : 401), name);
    }
  });
});

describe("the package dpop", () => {
  it("makes proofs that are let in once, of each of its algorithms", async () => {
    for (const alg of ["ES256", "Ed25519", "RS256", "PS256"]) {
      const keyPair = await dpop.generateKeyPair(alg);
      const { token } = await boundToken(keyPair, resource.origin);
      const url = `${resource.origin}/notes/1`;
      const nonce = (await fetch(url)).headers.get("dpop-nonce");
      const proof = await dpop.generateProof(keyPair, url, "DELETE", nonce, token);
      const ask = (method) => fetch(url, { method, headers: { authorization: `DPoP ${token}`, dpop: proof } });
      assert.equal((await ask("GET")).status, 401, "another method");
      assert.equal((await ask("DELETE")).status, 200, alg);
      const again = await ask("DELETE");
      assert.match(again.headers.get("www-authenticate"), /error="invalid_dpop_proof", error_description="replayed"/);
      assert.equal(
        await dpop.calculateThumbprint(keyPair.publicKey),
        await oauth.DPoP({}, keyPair).calculateThumbprint(),
      );
    }
  });
});

for (const [name, serve] of Object.entries(SERVERS)) {
  describe(`raw requests to ${name}`, () => {
    let server;
    let token;
    let nonce;
    const holder = holderOf();
    before(async () => {
      server = await startServer(serve);
      const algorithm = { name: "ECDSA", namedCurve: "P-256" };
      const keyPair = {
        publicKey: await crypto.subtle.importKey("jwk", holder.jwk, algorithm, true, ["verify"]),
        privateKey: await crypto.subtle.importKey("jwk", holder.privateJwk, algorithm, true, ["sign"]),
      };
      ({ token } = await boundToken(keyPair, server.origin));
      nonce = (await fetch(server.origin)).headers.get("dpop-nonce");
    });
    const proof = (facts = {}) =>
      proofBy(holder, {
        url: `${server.origin}/notes/1`,
        token,
        now: Math.floor(Date.now() / 1000),
        ...facts,
        claims: { nonce, ...facts.claims },
      });
    const ask = (headers, line = "GET /notes/1", host = new URL(server.origin).host) =>
      send(server.origin, line, headers, host);

    it("are let in by a proof, and once", async () => {
      const headers = { Authorization: `DPoP ${token}`, DPoP: proof() };
      assert.match(await ask(headers), /^HTTP\/1.1 200 .*for machine/s);
      assert.match(await ask(headers), /^HTTP\/1.1 401 .*www-authenticate: DPoP .*error_description="replayed"/is);
    });

    it("let one of ten through that come at once with one proof", async () => {
      const headers = { Authorization: `DPoP ${token}`, DPoP: proof() };
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(headers)));
      assert.equal(answers.filter((answer) => answer.startsWith("HTTP/1.1 200 ")).length, 1);
    });

    it("are refused with two proofs, two tokens, or a token without its proof", async () => {
      const authorization = `DPoP ${token}`;
      for (const [headers, status, description] of [
        [{ authorization, DPoP: proof(), dpop: proof() }, 401, "repeated_proof"],
        [{ authorization, dpop: `${proof()}, ${proof()}` }, 401, "repeated_proof"],
        [{ authorization, Authorization: authorization, dpop: proof() }, 400, "malformed credentials"],
        [{ authorization, Authorization: `Bearer ${token}`, dpop: proof() }, 400, "malformed credentials"],
        [{ authorization: `${authorization}, Bearer ${token}`, dpop: proof() }, 400, "malformed credentials"],
        [{ authorization }, 401, "missing_proof"],
        [{ authorization, dpop: "" }, 401, "missing_proof"],
        [{ authorization: `Bearer ${token}` }, 401, "proof_needed"],
        [{ authorization: `Bearer ${token}`, dpop: proof() }, 401, "proof_needed"],
        [{ authorization, dpop: proof({ claims: { nonce: undefined } }) }, 401, "missing_nonce"],
      ]) {
        const expected = new RegExp(`^HTTP/1.1 ${status} .*error_description="${description}"`, "is");
        assert.match(await ask(headers), expected, description);
      }
    });

    it("are judged by the gate's own origin, whatever host they name", async () => {
      const evil = proof({ url: "http://evil.example/notes/1" });
      const headers = { authorization: `DPoP ${token}`, dpop: evil };
      assert.match(await ask(headers, "GET /notes/1", "evil.example"), /^HTTP\/1.1 421 /);
      assert.match(await ask(headers), /^HTTP\/1.1 401 .*error_description="htu_mismatch"/is);
      const forwarded = { ...headers, "x-forwarded-host": "evil.example", forwarded: "host=evil.example" };
      assert.match(await ask(forwarded), /^HTTP\/1.1 401 .*error_description="htu_mismatch"/is);
    });

    it("are for the canonical path, however the proof spells it", async () => {
      const headers = () => ({ authorization: `DPoP ${token}`, dpop: proof({ url: `${server.origin}/%6Eotes/./1` }) });
      assert.match(await ask(headers()), /^HTTP\/1.1 200 /);
      assert.match(await ask(headers(), "GET /notes/1?q=1"), /^HTTP\/1.1 200 /);
      assert.match(await ask(headers(), "GET /notes/2"), /^HTTP\/1.1 401 /);
      assert.match(await ask(headers(), "POST /notes/1"), /^HTTP\/1.1 401 .*"htm_mismatch"/is);
    });
  });
}
