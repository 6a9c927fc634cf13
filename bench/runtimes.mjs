// Where it is measured: each runtime is started, given jobs, and ended.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { openChromiumPage, openFirefox, openWebKit } from "../tests/browsers/engines.mjs";
import { bunProgram, denoProgram } from "../tests/runtimes/programs.mjs";
import { startWorkerd } from "../tests/runtimes/workerd.mjs";
import { Failure, run, step } from "../tools/run.mjs";

const folder = fileURLToPath(new URL("runtimes/", import.meta.url));
const installed = (path) => join(folder, "node_modules", path);

/** Each is opened to something that has a version, takes jobs (`compare`) and can be closed; the order is that of the tables. */
export const runtimes = {
  node22: { title: "Node 22", native: true, open: () => openNode("node22") },
  node24: { title: "Node 24", native: true, open: () => openNode("node24") },
  node26: { title: "Node 26", native: true, open: () => openNode("node26") },
  deno: { title: "Deno", open: () => openBundled(denoProgram(), ["run", "--allow-all"]) },
  bun: { title: "Bun", open: () => openBundled(bunProgram(), ["run"]) },
  workerd: { title: "workerd", open: openWorkerd },
  chromium: { title: "Chromium", open: () => openPage(openChromiumPage) },
  firefox: { title: "Firefox", open: () => openPage(openFirefox) },
  webkit: { title: "WebKitGTK", open: () => openPage(openWebKit) },
};

/** Three generations of Node, from npm: only the benchmark needs them. */
export async function installRuntimes() {
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  const record = installed(".lock");
  if (existsSync(record) && readFileSync(record, "utf8") === lock) return;
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  await step("Installing three versions of Node from npm (0.4 GB)", () =>
    // The package of Node fetches its program, from npm too, in its install script: the only one here that needs one.
    run(npm[0], [...npm.slice(1), "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts=false"], {
      cwd: folder,
    }),
  );
  writeFileSync(record, lock);
}

export function nodePath(name) {
  return installed(`${name}/bin/node`);
}

/** Those that run a script as it is. */
export function programs() {
  return [
    ...["node22", "node24", "node26"].map((name) => ({
      title: runtimes[name].title,
      program: nodePath(name),
      args: [],
    })),
    { title: "Deno", program: denoProgram(), args: ["run", "--allow-all"] },
    { title: "Bun", program: bunProgram(), args: ["run"] },
  ];
}

function openNode(name) {
  const script = fileURLToPath(new URL("node.mjs", import.meta.url));
  return openProcess(nodePath(name), [script]);
}

async function openBundled(program, args) {
  const place = mkdtempSync(join(tmpdir(), "tokenward-"));
  const script = join(place, "bench.mjs");
  writeFileSync(script, await bundle("process.mjs", "esm"));
  const opened = openProcess(program, [...args, script]);
  return { ...opened, close: () => rmSync(place, { recursive: true }) };
}

/** A process for each job. */
function openProcess(program, args) {
  const given = (args, input) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: "utf8" });
    if (status !== 0) throw new Failure(`${program} failed: ${error?.message ?? stderr}`);
    return stdout;
  };
  return {
    version: /\d[\d.]+/.exec(given(["--version"]))[0],
    compare: (job) => JSON.parse(given(args, JSON.stringify(job))),
    close() {},
  };
}

async function openWorkerd() {
  const { url, close } = await startWorkerd(fileURLToPath(new URL("workerd.mjs", import.meta.url)));
  const compare = async (job) => told(await (await fetch(url, { method: "POST", body: JSON.stringify(job) })).json());
  const { version } = JSON.parse(
    readFileSync(new URL("../node_modules/workerd/package.json", import.meta.url), "utf8"),
  );
  return { version, compare, close };
}

/** A page that is isolated, so that its clock is as fine as the browser has it. */
async function openPage(openBrowser) {
  const script = await bundle("page.mjs", "iife");
  const server = createServer(({ url }, response) => {
    const [type, content] =
      url === "/page.js"
        ? ["text/javascript", script]
        : ["text/html", '<!doctype html><meta charset="utf-8"><title>Bench</title><script src="/page.js"></script>'];
    response.writeHead(200, {
      "content-type": `${type}; charset=utf-8`,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await openBrowser();
  await page.open(`http://127.0.0.1:${server.address().port}/`);
  return {
    version: page.version,
    async compare(job) {
      await page.ask(`bench.start(${JSON.stringify(job)})`);
      for (;;) {
        const answer = await page.ask("bench.answer");
        if (answer) return told(JSON.parse(answer));
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    async close() {
      await page.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function told(answer) {
  if (answer.error) throw new Failure(answer.error);
  return answer;
}

async function bundle(name, format) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    bundle: true,
    format,
    platform: format === "esm" ? "node" : "browser",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}
