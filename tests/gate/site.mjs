// An app behind a gate: pages and an API that know who asks by a cookie, tokens for whoever asks, answers that wait, and a
// server that can be stopped and started again at the same place.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { generateKeyPair } from "../../tools/keypair.mjs";
import { signed } from "../support/tokens.mjs";

const ISSUER = "https://login.test";

export async function startSite() {
  const { privateKey, publicKey } = generateKeyPair("ed25519");
  const files = await bundles([{ ...publicKey.export({ format: "jwk" }), kid: "k" }]);

  const token = (claims) => {
    const now = Math.floor(Date.now() / 1000);
    const registered = { iss: ISSUER, aud: "app", iat: now, exp: now + 900, scope: "read" };
    return signed(privateKey, { kid: "k" }, { ...registered, ...claims });
  };

  const held = [];
  const asked = [];
  /** Answers that have not ended, by path. */
  const open = [];
  const answer = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    asked.push(pathname);
    const who = /\bwho=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "nobody";
    // Who asks is known; the answer waits.
    if (searchParams.has("hold") && who === "ada") await new Promise((resolve) => held.push(resolve));
    // As servers say it of what is one person's. Who was given it may ask again; the next one must not be.
    const cacheControl = searchParams.has("no-store") ? "no-store" : "private, max-age=600";
    const own = /^\/(?:app|api|plain|workbox)\//.test(pathname) ? { "cache-control": cacheControl } : {};
    const send = (type, body, headers = {}) =>
      response.writeHead(200, { "content-type": `${type}; charset=utf-8`, ...own, ...headers }).end(body);
    // Cached for all: a browser may send cookies with it, so the server has to say whom it is for.
    const all = { "cache-control": "public" };
    if (files.has(pathname)) return send("text/javascript", files.get(pathname), all);
    if (pathname === "/token") {
      const sub = searchParams.get("user");
      const claims = JSON.parse(searchParams.get("claims") ?? "{}");
      const cookie = { "set-cookie": `who=${sub}; Path=/; HttpOnly; SameSite=Strict` };
      return send("application/json", JSON.stringify({ access_token: token({ sub, ...claims }) }), cookie);
    }
    if (pathname.endsWith("/endless") || pathname.endsWith("/events")) {
      open.push(pathname);
      response.on("close", () => open.splice(open.indexOf(pathname), 1));
      const type = pathname.endsWith("/events") ? "text/event-stream" : "application/octet-stream";
      response.writeHead(200, { "content-type": type, ...own });
      const timer = setInterval(() => response.write("data: more\n\n"), 50);
      return response.on("close", () => clearInterval(timer));
    }
    if (pathname.endsWith("/cut-off")) {
      response.writeHead(200, { ...own, ...(searchParams.has("length") && { "content-length": "1000" }) });
      response.write("half");
      return setTimeout(() => response.destroy(), 50);
    }
    if (pathname.endsWith("/moved.wav")) return response.writeHead(302, { location: "/app/sound.wav" }).end();
    if (pathname.endsWith(".wav")) return sendPart(request, response, SOUND, { "content-type": "audio/wav", ...own });
    if (pathname.includes("/api/")) return send("application/json", JSON.stringify({ who, method: request.method }));
    if (pathname === "/sign-in-needed.html") return send("text/html", PAGE("Sign in, please", "refused"));
    return send("text/html", PAGE(`${pathname} of ${who}`, "page"));
  };

  let server;
  let port = 0;
  const start = () =>
    new Promise((resolve) => {
      server = createServer(answer).listen(port, "127.0.0.1", () => {
        ({ port } = server.address());
        resolve();
      });
    });
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  await start();
  return { url: `http://127.0.0.1:${port}`, asked, held, open, start, stop };
}

/** One second of silence: 8,000 samples of 8 bits. */
const SOUND = Buffer.alloc(8044, 0x80);
SOUND.write("RIFF\xa4\x1f\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00", 0, "latin1");
SOUND.write("\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x40\x1f\x00\x00", 24, "latin1");
SOUND.writeUInt32LE(SOUND.length - 8, 4);

function sendPart({ headers: { range } }, response, whole, headers) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const both = { "accept-ranges": "bytes", etag: '"sound"', ...headers };
  if (first === undefined) return response.writeHead(200, { ...both, "content-length": whole.length }).end(whole);
  const part = whole.subarray(Number(first), last === "" ? undefined : Number(last) + 1);
  const where = `bytes ${first}-${Number(first) + part.length - 1}/${whole.length}`;
  response.writeHead(206, { ...both, "content-length": part.length, "content-range": where }).end(part);
}

const PAGE = (text, kind) =>
  `<!doctype html><meta charset="utf-8"><title>${kind}</title><p>${text}</p><script src="/page.js"></script>`;

/** Classic scripts, since Firefox ESR 140 has no module service workers. */
async function bundles(keys) {
  const { outputFiles } = await build({
    entryPoints: ["page", "worker"].map((name) => fileURLToPath(new URL(`site/${name}.mjs`, import.meta.url))),
    bundle: true,
    format: "iife",
    target: "es2022",
    define: { "globalThis.KEYS": JSON.stringify(keys), "process.env.NODE_ENV": '"production"' },
    outdir: "/",
    write: false,
    logLevel: "error",
  });
  return new Map(outputFiles.map(({ path, text }) => [`/${path.split(/[\\/]/).pop()}`, text]));
}
