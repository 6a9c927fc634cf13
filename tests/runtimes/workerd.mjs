// Real workerd, running a worker bundled as a user's bundler would: with the `workerd` condition.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import workerd from "workerd";

/**
 * Starts a worker from its source file on a free port of loopback: `{ url, close }`. More members of the worker, and more
 * services, are in workerd's configuration language; the compatibility date says which features the worker has.
 */
export async function startWorkerd(source, more = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tokenward-"));
  await build({
    entryPoints: [source],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    outfile: join(folder, "worker.js"),
    logLevel: "error",
  });
  const port = await freePort();
  writeFileSync(join(folder, "config.capnp"), configuration(port, folder, more));
  const server = spawn(workerd.default, ["serve", join(folder, "config.capnp")], { stdio: "inherit" });
  const url = `http://127.0.0.1:${port}/`;
  const close = () => {
    server.kill();
    rmSync(folder, { recursive: true });
  };
  try {
    await listening(port);
  } catch (error) {
    close();
    throw error;
  }
  return { url, close };
}

function configuration(port, folder, { worker = "", services = "", compatibilityDate = "2026-01-01" }) {
  const wasm = readdirSync(folder).filter((name) => name.endsWith(".wasm"));
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ ( name = "main", worker = .worker ), ${services} ],
  sockets = [ ( name = "http", address = "127.0.0.1:${port}", http = (), service = "main" ) ],
);
const worker :Workerd.Worker = (
  modules = [
    ( name = "worker.js", esModule = embed "worker.js" ),
    ${wasm.map((name) => `( name = "./${name}", wasm = embed "${name}" ),`).join("\n    ")}
  ],
  compatibilityDate = "${compatibilityDate}",
  ${worker}
);
`;
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Waits until a server answers. */
export async function listening(port) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const open = await fetch(`http://127.0.0.1:${port}/`, { method: "HEAD" }).then(
      () => true,
      () => false,
    );
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing answers on port ${port}`);
}
