// Every option of every entry: read once, wherever an object has it from, and never from what a page has put on all objects.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createPolicy, createVerifier } from "tokenward";
import { createGate } from "tokenward/gate";
import { createKeyStore } from "tokenward/keys";
import { passkeyProtection } from "tokenward/passkey";
import { deviceProtection, pinProtection } from "tokenward/pin";
import { fusionAuthProvider, oauthProvider } from "tokenward/providers";
import { createSession, noProtection } from "tokenward/session";
import { cacheStorage, indexedDbStorage, kvStorage, memoryStorage } from "tokenward/storage";
import { fakeCaches, fakeKv } from "../keys/fakes.mjs";
import { ISSUER, KEY } from "../support/tokens.mjs";

const jwks = { keys: [KEY.jwk] };
const verifier = () => createVerifier({ jwks, issuer: ISSUER, audience: "app" });
const session = () => createSession({ verifier: verifier(), provider: null, storage: memoryStorage() });
const fetch = () => Promise.resolve(Response.json({}));
const now = () => Date.now() / 1000;
const token = KEY.token({ sub: "ada" });
const dpop = (given) =>
  createGate({ verifier: verifier(), rules: [{ match: "/*" }], origin: "https://api.example", dpop: given });
const rule = (given) => createGate({ verifier: verifier(), rules: [given] });

/** Each entry with all its options. */
const entries = {
  createVerifier: [
    createVerifier,
    {
      jwks,
      issuer: ISSUER,
      audience: ["app"],
      algorithms: ["EdDSA"],
      clockTolerance: 5,
      now,
      typ: "JWT",
      subject: "ada",
      maxTokenAge: 60,
      requiredClaims: ["sub"],
      claims: { sub: "ada" },
      schema: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
      maxTokenBytes: 1000,
      cache: true,
      requireExp: true,
      anyRsaExponent: false,
    },
  ],
  createPolicy: [createPolicy, { grace: "1h", checkIn: "1d", rollbackTolerance: 30, limited: { methods: ["GET"] } }],
  "createPolicy limited": [(limited) => createPolicy({ limited }), { methods: ["GET"], scopes: ["read"] }],
  "verifier.assess marks": [
    (marks) => verifier().assess(token, createPolicy(), marks),
    { now: now(), highest: now(), lastCheckIn: now(), rolledBack: false },
  ],
  createKeyStore: [
    (options) => createKeyStore(options),
    {
      verifier: verifier(),
      bundled: [KEY.jwk],
      bundledAt: 1,
      issuer: ISSUER,
      jwksUri: `${ISSUER}/jwks`,
      storage: memoryStorage(),
      refreshEvery: "1d",
      cooldown: "1m",
      timeout: "1s",
      maxBytes: 1000,
      maxKeys: 10,
      pin: false,
      fetch,
      now,
      onServerTime() {},
      onError() {},
    },
  ],
  oauthProvider: [
    oauthProvider,
    {
      issuer: ISSUER,
      server: { issuer: ISSUER, token_endpoint: `${ISSUER}/token` },
      clientId: "app",
      clientAuth() {},
      additionalParameters: { audience: "app" },
      scope: "read",
      resource: ["https://api.example"],
      rejects: () => false,
      fetch,
      timeout: "1s",
    },
  ],
  "oauthProvider server": [
    (server) => oauthProvider({ server, clientId: "app" }),
    { issuer: ISSUER, token_endpoint: `${ISSUER}/token`, revocation_endpoint: `${ISSUER}/revoke` },
  ],
  "oauthProvider additionalParameters": [
    (additionalParameters) => oauthProvider({ issuer: ISSUER, clientId: "app", additionalParameters }),
    { audience: "app" },
  ],
  fusionAuthProvider: [fusionAuthProvider, { url: ISSUER, tenantId: "t", sendToken: true, fetch, timeout: 1 }],
  createSession: [
    createSession,
    {
      verifier: verifier(),
      provider: null,
      policy: { grace: "1h" },
      token: "access_token",
      storage: memoryStorage(),
      protection: noProtection(),
      name: "ada",
      environment: {},
    },
  ],
  "session.access": [
    (request) => session().access(request),
    { method: "GET", access: "full", scope: ["read"], role: ["admin"], claims: () => true },
  ],
  "createGate with a session": [
    createGate,
    {
      session: session(),
      rules: [{ match: "/*" }],
      origin: ["https://app.example"],
      networkTimeout: 1,
      refreshTimeout: 1,
      onDecision: () => {},
      workboxCaches: ["pages"],
    },
  ],
  "createGate with a verifier": [
    createGate,
    { verifier: verifier(), rules: [{ match: "/*" }], token: () => "", origin: "https://app.example" },
  ],
  "createGate rule": [
    rule,
    { match: "/*", needs: {}, otherwise: { status: 403 }, methods: ["GET"], cache: false, strategy: "network-first" },
    // Compared with those of the other rules, too.
    { often: ["match"] },
  ],
  "createGate needs": [
    (needs) => rule({ match: "/*", needs }),
    { access: "full", scope: ["read"], role: ["admin"], claims: () => true },
  ],
  "createGate dpop": [
    dpop,
    {
      maxAge: 30,
      clockTolerance: 1,
      algorithms: ["ES256"],
      required: false,
      nonce: "0123456789abcdef0123456789abcdef",
      replay: { maxEntries: 10 },
    },
  ],
  "createGate dpop nonce": [(nonce) => dpop({ nonce }), { secret: "0123456789abcdef0123456789abcdef", lifetime: "1m" }],
  "createGate dpop replay": [(replay) => dpop({ replay }), { maxEntries: 10 }],
  pinProtection: [
    pinProtection,
    {
      storage: memoryStorage(),
      name: "ada",
      memory: 65_536,
      iterations: 3,
      minLength: 6,
      maxAttempts: 10,
      database: "keys",
      now,
    },
  ],
  passkeyProtection: [
    passkeyProtection,
    {
      storage: memoryStorage(),
      name: "ada",
      rpId: "app.example",
      rpName: "App",
      userName: "Ada",
      timeout: 60,
      database: "keys",
    },
  ],
  deviceProtection: [deviceProtection, { database: "keys", name: "device" }],
  indexedDbStorage: [indexedDbStorage, { database: "values" }],
  kvStorage: [(options) => kvStorage(fakeKv(), options), { prefix: "p:" }],
  cacheStorage: [cacheStorage, { cache: "values", caches: fakeCaches() }],
};

for (const [entry, [use, options, { often = [] } = {}]] of Object.entries(entries)) {
  describe(entry, () => {
    for (const [name, value] of Object.entries(options)) {
      const { [name]: _, ...others } = options;
      let reads = 0;
      const counting = {
        configurable: true,
        enumerable: true,
        get() {
          reads += 1;
          return value;
        },
      };
      const atLeastOnce = () => (often.includes(name) ? assert.ok(reads > 0) : assert.equal(reads, 1));

      test(`${name} is read once`, () => {
        reads = 0;
        use(Object.defineProperty({ ...others }, name, counting));
        atLeastOnce();
      });

      test(`${name} counts where a class has it`, () => {
        reads = 0;
        const inherited = Object.create(Object.defineProperty({}, name, counting));
        use(Object.assign(inherited, others));
        atLeastOnce();
      });

      test(`${name} counts behind a Proxy`, () => {
        reads = 0;
        use(new Proxy(Object.defineProperty({ ...others }, name, counting), {}));
        atLeastOnce();
      });

      test(`${name} is not what a page has put on every object`, (t) => {
        const without = outcome(() => use({ ...others }));
        t.after(() => delete Object.prototype[name]);
        for (const polluted of [{ value: Symbol("polluted") }, { get: () => Symbol("polluted") }]) {
          Object.defineProperty(Object.prototype, name, { configurable: true, ...polluted });
          assert.equal(
            outcome(() => use({ ...others })),
            without,
          );
          delete Object.prototype[name];
        }
      });
    }

    test("what is misspelt is refused, also where it is inherited", (t) => {
      if (FREE.includes(entry)) return assert.doesNotThrow(() => use({ ...options, more: "x" }));
      for (const misspelt of [{ ...options, gracee: 0 }, Object.assign(Object.create({ gracee: 0 }), options)]) {
        assert.throws(() => use(misspelt), { name: "ConfigError", code: "unknown_option", option: "gracee" });
      }
      // The methods of a class, and what it has behind accessors, are no options.
      class Options {
        get gracee() {
          return 0;
        }
        graceful() {}
      }
      assert.doesNotThrow(() => use(Object.assign(new Options(), options)));
      Object.prototype.gracee = 0;
      t.after(() => delete Object.prototype.gracee);
      assert.doesNotThrow(() => use(options));
    });
  });
}

/** Entries whose members may have any name. */
const FREE = ["oauthProvider server", "oauthProvider additionalParameters"];

function outcome(work) {
  try {
    work();
    return "done";
  } catch (error) {
    return `${error.name} ${error.code} ${error.option}`;
  }
}

test("a policy of another object's prototype counts", () => {
  assert.equal(createPolicy(Object.create({ grace: 0 })).grace, 0);
  assert.deepEqual(createPolicy({ limited: Object.create({ methods: ["PUT"] }) }).limited.methods, ["PUT"]);
  assert.throws(() => createPolicy(Object.create({ grace: -1 })), { code: "invalid_option", option: "grace" });
});

test("a Request asks for its method", async () => {
  const asking = createSession({
    verifier: verifier(),
    provider: null,
    policy: { grace: "1h", checkIn: null },
    storage: memoryStorage(),
    protection: noProtection(),
  });
  await asking.start();
  const expired = KEY.token({ sub: "ada", exp: Math.floor(now()) - 60 });
  await asking.signIn({ access_token: expired });
  const url = "https://app.example/things/1";
  assert.equal(asking.access(new Request(url)).allowed, true);
  const answer = asking.access(new Request(url, { method: "DELETE" }));
  assert.deepEqual([answer.allowed, answer.access, answer.refused], [false, "limited", "method"]);
  asking.stop();
});

test("arrays are copies: what becomes of the app's own opens nothing", () => {
  const methods = ["GET"];
  const scopes = ["read"];
  const policy = createPolicy({ limited: { methods, scopes } });
  methods.push("DELETE");
  scopes.push("write");
  assert.deepEqual(policy.limited, { methods: ["GET"], scopes: ["read"] });
  for (const list of Object.values(policy.limited)) assert.throws(() => list.push("x"), TypeError);
  // An array that says something else the second time.
  let reads = 0;
  const changing = new Proxy(["GET"], { get: (list, name) => (name === "0" && reads++ > 0 ? "DELETE" : list[name]) });
  assert.deepEqual(createPolicy({ limited: { methods: changing } }).limited.methods, ["GET"]);
});

test("inherited parameters of a refresh are sent", async () => {
  const bodies = [];
  const provider = oauthProvider({
    server: { issuer: ISSUER, token_endpoint: `${ISSUER}/token` },
    clientId: "app",
    additionalParameters: Object.create({ audience: "https://api.example" }),
    fetch: (_url, { body }) => {
      bodies.push(new URLSearchParams(body));
      return Promise.resolve(Response.json({ access_token: "x", token_type: "Bearer" }));
    },
  });
  Object.prototype.evil = "yes";
  try {
    await provider.refresh({ access_token: "x", refresh_token: "y" });
  } finally {
    delete Object.prototype.evil;
  }
  assert.equal(bodies[0].get("audience"), "https://api.example");
  assert.equal(bodies[0].get("evil"), null);
});

test("the members of expected claims are the object's own, or it is refused", () => {
  const parent = Object.assign(Object.create(null), { role: "admin" });
  for (const claims of [Object.create({ role: "admin" }), Object.create(parent)]) {
    const options = { jwks, issuer: ISSUER, audience: "app", claims };
    assert.throws(() => createVerifier(options), { code: "invalid_option", option: "claims" });
  }
});

test("an object of another realm is read by the same rule", async () => {
  const { runInNewContext } = await import("node:vm");
  assert.equal(createPolicy(runInNewContext("({ grace: 0 })")).grace, 0);
  assert.equal(createPolicy(runInNewContext("Object.create({ grace: 0 })")).grace, 0);
  assert.equal(createPolicy(runInNewContext("Object.prototype.grace = 0; ({})")).grace, 86_400);
});
