// Stand-ins for what a gate meets, where the real thing cannot be made to do what a test is about.
import { afterEach, beforeEach } from "node:test";

/** Before each test of a file: empty caches, and a session in which nobody is signed in. `use` is told of both. */
export function fakeWorker(use) {
  beforeEach(() => {
    globalThis.caches = new FakeCaches();
    use({ caches: globalThis.caches, session: new FakeSession() });
  });
  afterEach(() => {
    delete globalThis.caches;
  });
}

/** A session without storage, tokens or time: a test says who is signed in. */
export class FakeSession extends EventTarget {
  name = "default";
  state = { status: "signed_out", sessionId: undefined };
  starts = 0;
  /** What a page has stored, before this worker has heard of it. */
  storedMeanwhile;
  #bearer = { access: "none", reason: "signed_out" };
  #stored;

  constructor({ stored } = {}) {
    super();
    if (stored === undefined) return;
    this.#stored = stored;
    this.state = { status: "starting" };
  }

  async start() {
    this.starts += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.state.status === "starting") this.become(...this.#stored);
  }

  async sync() {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.storedMeanwhile !== undefined) this.become(...this.storedMeanwhile);
    this.storedMeanwhile = undefined;
  }

  /** What the provider would answer. */
  refreshes = 0;
  afterRefresh;
  async refresh() {
    this.refreshes += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.afterRefresh !== undefined) this.become(...this.afterRefresh);
  }

  /** `sessionId` undefined: signed out. */
  become(sessionId, bearer = {}) {
    const status = bearer.status ?? (sessionId === undefined ? "signed_out" : "signed_in");
    this.state = { status, sessionId };
    const signedIn = { access: "full", reason: "valid", scopes: [], roles: [], claims: {} };
    this.#bearer = sessionId === undefined ? { access: "none", reason: "signed_out" } : { ...signedIn, ...bearer };
    this.dispatchEvent(new Event("change"));
  }

  /** As a session with a PIN: until it is unlocked, nobody knows who it was. */
  lock() {
    this.state = { status: "locked", sessionId: undefined };
    this.#bearer = { access: "none", reason: "locked" };
    this.dispatchEvent(new Event("change"));
  }

  access({ method = "GET", access = "limited", scope = [], role, claims } = {}) {
    const bearer = this.#bearer;
    const level = { none: 0, limited: 1, full: 2 };
    const hasRights = () =>
      [scope].flat().every((one) => bearer.scopes.includes(one)) &&
      (role === undefined || [role].flat().some((one) => bearer.roles.includes(one))) &&
      (claims === undefined || claims(bearer.claims));
    const why = () => {
      if (bearer.access === "none") return "no_access";
      if (level[bearer.access] < level[access]) return "full_access_needed";
      if (bearer.access === "limited" && !["GET", "HEAD"].includes(method)) return "method";
      return hasRights() ? undefined : "rights";
    };
    const refused = why();
    const allowed = refused === undefined;
    return { allowed, refused, access: bearer.access, reason: bearer.reason, until: bearer.until ?? null };
  }
}

/** As the Cache API: only what a gate uses, and a `pause` in which something else may happen. */
export class FakeCaches {
  #caches = new Map();
  /** Runs before each operation, by its name. */
  before = async (_operation) => {};

  async open(name) {
    await this.before("open");
    if (!this.#caches.has(name)) this.#caches.set(name, new FakeCache(this));
    return this.#caches.get(name);
  }

  async match(request, { cacheName }) {
    await this.before("match");
    return this.#caches.get(cacheName)?.match(request);
  }

  has = async (name) => this.#caches.has(name);
  keys = async () => {
    await this.before("keys");
    return [...this.#caches.keys()];
  };
  delete = async (name) => this.#caches.delete(name);
}

class FakeCache {
  #entries = [];
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  match(request) {
    const wanted = new Request(request);
    return Promise.resolve(this.#entries.find(({ key, response }) => fits(key, response, wanted))?.response.clone());
  }

  async put(request, response) {
    await this.#storage.before("put");
    if (response.status === 206 || response.headers.get("vary") === "*") throw new TypeError("not to be stored");
    const key = new Request(request);
    this.#entries = this.#entries.filter((entry) => !fits(entry.key, entry.response, key));
    this.#entries.push({ key, response });
  }

  keys = async () => this.#entries.map(({ key }) => key);

  delete(request, { ignoreVary = false } = {}) {
    const wanted = new Request(request);
    const before = this.#entries.length;
    const isMeant = ({ key, response }) => (ignoreVary ? key.url === wanted.url : fits(key, response, wanted));
    this.#entries = this.#entries.filter((entry) => !isMeant(entry));
    return Promise.resolve(this.#entries.length < before);
  }
}

function fits(key, response, wanted) {
  const vary = (response.headers.get("vary") ?? "").split(",").filter(Boolean);
  return key.url === wanted.url && vary.every((name) => key.headers.get(name) === wanted.headers.get(name));
}

/** The names and paths of all that is cached. */
export async function contents(caches) {
  const found = {};
  for (const name of await caches.keys()) {
    const keys = await (await caches.open(name)).keys();
    found[name] = keys.map(({ url }) => new URL(url).pathname).sort();
  }
  return found;
}

export const ORIGIN = "https://app.test";

export const request = (path, init) => new Request(new URL(path, ORIGIN), init);

/** The answer, once also everything behind it is done. */
export async function ask(gate, path, next, init) {
  const background = [];
  const waitUntil = (work) => background.push(work);
  const response = await gate.handle({ request: request(path, init), waitUntil }, next);
  await Promise.all(background);
  return response;
}

export const answers = (text, init) => async () => new Response(text, init);
/** As a server says it of what is for all who pass: a browser hides from the worker who was answered by a cookie. */
export const forAll = (text) => answers(text, { headers: { "cache-control": "public" } });
export const offline = () => Promise.reject(new TypeError("no network"));

export async function textOf(response) {
  return (await response).text();
}
