// npm start: sets up what is missing, builds, and serves the playground with an OpenID provider beside it, and the documentation,
// which is built once everything else is there.
// PORT is the page's port, PROVIDER_PORT the provider's.

import { build } from "./build.mjs";
import { duration, Failure, main } from "./run.mjs";

/** After the RFCs of what is served there: JSON Web Token and JSON Web Key. */
const PORTS = { page: 7519, provider: 7517 };

main(import.meta.url, async () => {
  const port = portFrom("PORT", PORTS.page);
  const providerPort = portFrom("PROVIDER_PORT", port === 0 ? 0 : PORTS.provider);
  await build();
  // Only now: what it imports is installed by the build.
  const { startPlayground } = await import("./serve.mjs");
  const { buildDocs } = await import("./docs.mjs");
  const stopped = new AbortController();
  let docs;
  const startDocs = () => {
    docs = buildDocs({ signal: stopped.signal, silent: true });
    return docs;
  };
  const playground = await startPlayground({ port, providerPort, buildDocs: startDocs, say: console.log });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, async () => {
      stopped.abort();
      await playground.close();
      console.log("\nStopped.");
    });
  }
  console.log(`
  Playground        ${playground.url}/
  OpenID provider   ${playground.provider.issuer}

  Days offline      ${playground.url}/field.html
  Documentation     ${playground.url}/docs/

  Open the playground or Days offline, and sign in. Then stop this with Ctrl-C and reload the page: it works on without a network.
  The provider keeps everything in memory: when this is started again, sign in again.
`);
  const started = performance.now();
  const still = setTimeout(
    () => console.log("  The documentation is being built: half a minute, and not again until a page of it changes."),
    1000,
  );
  try {
    if (await docs) console.log(`  The documentation is built (${duration(performance.now() - started)}).`);
  } catch (error) {
    if (!stopped.signal.aborted) console.error(`  The documentation could not be built: ${error.message}`);
  } finally {
    clearTimeout(still);
  }
});

function portFrom(name, otherwise) {
  const text = process.env[name] ?? "";
  if (text === "") return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Failure(`${name} should be a port number, 0 to 65535.`);
}
