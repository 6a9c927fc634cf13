// The notes API and the app's files. Every request to the API is judged here, whatever the app in the browser has allowed.
import express from "express";
import { expressGate } from "tokenward/express";

/** How many notes one person may have, of 2,000 characters each. */
const MOST = 500;

/** `verifier`: of the API's access tokens, a verifier or a key store. `files`: middleware that answers for everything else. */
export function createApp({ verifier, files }) {
  const app = express();
  app.disable("x-powered-by");
  app.use(
    expressGate({
      verifier,
      rules: [
        { match: "/api/*", needs: "signed_in" },
        { match: "/*", needs: null },
      ],
    }),
  );
  app.use("/api", notes());
  app.use(files);
  return app;
}

/** In memory: your database is in its place. */
function notes() {
  const everybody = new Map();
  const of = (request) => {
    const { sub } = request.gate.claims;
    if (!everybody.has(sub)) everybody.set(sub, new Map());
    return everybody.get(sub);
  };
  const router = express.Router();
  router.use((_request, response, next) => {
    // The browser's own cache keeps nothing: it does not know who is signed in.
    response.set("cache-control", "private, no-cache");
    next();
  });
  router.get("/notes", (request, response) => {
    response.json([...of(request)].map(([id, text]) => ({ id, text })).reverse());
  });
  router.put("/notes/:id", mayWrite, express.json({ limit: "16kb" }), (request, response) => {
    const { id } = request.params;
    const text = request.body?.text;
    if (typeof text !== "string" || text.length === 0 || text.length > 2000 || id.length > 64) {
      return response.status(400).json({ error: "a note is { text }, of 1 to 2,000 characters" });
    }
    if (!of(request).has(id) && of(request).size >= MOST) return response.status(409).json({ error: "too many notes" });
    of(request).set(id, text);
    response.status(204).end();
  });
  router.delete("/notes/:id", mayWrite, (request, response) => {
    of(request).delete(request.params.id);
    response.status(204).end();
  });
  router.use((_request, response) => response.status(404).json({ error: "not_found" }));
  // What is no JSON, or too much of it: `entity.parse.failed`, `entity.too.large`.
  router.use((error, _request, response, _next) => {
    if (error.status === undefined) console.error(error);
    response.status(error.status ?? 500).json({ error: error.type ?? "internal_error" });
  });
  return router;
}

function mayWrite(request, response, next) {
  const { scope } = request.gate.claims;
  const scopes = typeof scope === "string" ? scope.split(" ") : [];
  if (scopes.includes("notes:write")) return next();
  response.set("www-authenticate", 'Bearer error="insufficient_scope", scope="notes:write"');
  response.status(403).json({ error: "insufficient_scope" });
}
