// Deno and Bun: their programs, inside npm packages whose install scripts are not run.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort, listening } from "./workerd.mjs";

const require = createRequire(import.meta.url);
const { platform, arch } = process;

export function denoProgram() {
  return inside(`@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`, "deno");
}

export function bunProgram() {
  return inside(`@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`, "bin/bun");
}

/** Starts a worker, a module with a `fetch` as its default export, on a free port of loopback: `{ url, close }`. */
export function startDeno(source) {
  return serving(denoProgram(), (port) => [
    "serve",
    "--allow-net=127.0.0.1",
    "--host",
    "127.0.0.1",
    "--port",
    port,
    source,
  ]);
}

export function startBun(source) {
  return serving(bunProgram(), () => ["run", source]);
}

/** Starts a program that serves on a free port of loopback, which it is given as `PORT`: `{ url, close }`. */
export async function serving(program, args) {
  const port = await freePort();
  const env = { ...process.env, PORT: port, BUN_PORT: port };
  const server = spawn(program, args(port), { env, stdio: ["ignore", "ignore", "inherit"] });
  const close = () => server.kill();
  try {
    await listening(port);
  } catch (error) {
    close();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}/`, close };
}

function inside(name, file) {
  return join(dirname(require.resolve(`${name}/package.json`)), file);
}
