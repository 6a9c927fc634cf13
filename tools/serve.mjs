// The playground as people get it from `npm start`: the provider, the page built for it, and a static server.

import { createServer } from "node:http";
import sirv from "sirv";
import { buildSite } from "../www/build.mjs";
import { POLICY } from "../www/policy.mjs";
import { isDocs, serveDocs } from "./docs.mjs";
import { listen } from "./listen.mjs";
import { startProvider } from "./provider.mjs";

const COMMON = {
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};
const HEADERS = { ...COMMON, "content-security-policy": `${POLICY}; frame-ancestors 'none'` };
/** The pages of the documentation have a policy of their own. */
const DOCS_HEADERS = { ...COMMON, "content-security-policy": "frame-ancestors 'none'" };

/**
 * @param {object} options
 * @param {number} options.port of the page; 0 for any
 * @param {number} options.providerPort
 * @param {string} [options.outdir] where the page is built
 * @param {() => Promise<unknown>} [options.buildDocs] builds the documentation, beside everything else; without it there is none
 * @param {(message: string) => void} [options.say]
 */
export async function startPlayground({ port, providerPort, outdir, buildDocs, say }) {
  const server = createServer();
  const url = await listen(server, { port, name: "the playground", say });
  const { close: closeProvider, ...provider } = await startProvider({ port: providerPort, apps: [url], say });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await Promise.all([closed, closeProvider()]);
  };
  try {
    // What an app does at build time: the key set it is shipped with.
    const jwks = await (await fetch(`${provider.issuer}/jwks`)).json();
    const site = await buildSite({ outdir, provider: { ...provider, jwks } });
    const playground = sirv(site, { dev: true, etag: true, setHeaders: set(HEADERS) });
    const docs = buildDocs && serveDocs(buildDocs(), { setHeaders: set(DOCS_HEADERS) });
    server.on("request", (request, response) => (docs && isDocs(request) ? docs : playground)(request, response));
  } catch (error) {
    await close();
    throw error;
  }
  return { url, provider: { ...provider, close: closeProvider }, close };
}

const set = (headers) => (response) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
};
