import { gate } from "./lib/server/gate.js";

/**
 * Before every page, endpoint and remote function. Judged are two addresses: the one that came, and the one that SvelteKit goes by.
 * They differ for a page's data (`/account/__data.json` is that of `/account`) and for remote functions, where a header says the
 * second: whoever may have one of them only has neither.
 */
export async function handle({ event, resolve }) {
  const { method, headers, url: asked } = event.request;
  for (const url of new Set([asked, event.url.href])) {
    const { decision, response } = await gate.admit({ url, method, headers });
    if (response !== undefined) return response;
    if (event.locals.gate?.claims === undefined) event.locals.gate = decision;
  }
  return resolve(event);
}
