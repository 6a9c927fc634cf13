// npm start: sets up what is missing, builds, and serves the playground with an OpenID provider beside it.
// PORT is the page's port, PROVIDER_PORT the provider's.

import { build } from "./build.mjs";
import { Failure, main } from "./run.mjs";

/** After the RFCs of what is served there: JSON Web Token and JSON Web Key. */
const PORTS = { page: 7519, provider: 7517 };

main(import.meta.url, async () => {
  const port = portFrom("PORT", PORTS.page);
  const providerPort = portFrom("PROVIDER_PORT", port === 0 ? 0 : PORTS.provider);
  await build();
  // Only now: what it imports is installed by the build.
  const { startPlayground } = await import("./serve.mjs");
  const playground = await startPlayground({ port, providerPort, say: console.log });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, async () => {
      await playground.close();
      console.log("\nStopped.");
    });
  }
  console.log(`
  Playground        ${playground.url}/
  OpenID provider   ${playground.provider.issuer}

  Days offline      ${playground.url}/field.html

  Open either page and sign in. Then stop this with Ctrl-C and reload the page: it works on without a network.
  The provider keeps everything in memory: when this is started again, sign in again.
`);
});

function portFrom(name, otherwise) {
  const text = process.env[name] ?? "";
  if (text === "") return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Failure(`${name} should be a port number, 0 to 65535.`);
}
