// The playground and its provider on free ports, built into a folder of their own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlayground } from "../../tools/serve.mjs";

/** @param {{ port?: number }} [options] */
export async function startTestPlayground({ port = 0 } = {}) {
  const outdir = await mkdtemp(join(tmpdir(), "tokenward-www-"));
  const { url, close, ...rest } = await startPlayground({ port, providerPort: 0, outdir });
  return {
    ...rest,
    url: `${url}/`,
    async close() {
      await close();
      await rm(outdir, { recursive: true, force: true });
    },
  };
}
