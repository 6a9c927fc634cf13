// npm start: sets up what is missing, builds, and serves the playground with an OpenID provider beside it.
// PORT is the page's port, PROVIDER_PORT the provider's.

import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

const PORTS = { page: 7519, provider: 7517 };

await setup();
await build();
// Only now: what they need is installed by the steps above.
const { startPlayground } = await import("./serve.mjs");
const playground = await startPlayground({
  port: portFrom("PORT", PORTS.page),
  providerPort: portFrom("PROVIDER_PORT", process.env.PORT === "0" ? 0 : PORTS.provider),
  say: console.log,
});
console.log(`
  Playground        ${playground.url}/
  OpenID provider   ${playground.provider.issuer}

  Open the playground and sign in. Then stop this with Ctrl-C, reload the page: it works on without a network.
`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);

async function stop() {
  console.log("\nStopped.");
  await playground.close();
  process.exit(0);
}

function portFrom(name, otherwise) {
  const text = process.env[name];
  if (text === undefined || text === "") return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  console.error(`${name} should be a port number, 0 to 65535.`);
  process.exit(1);
}
