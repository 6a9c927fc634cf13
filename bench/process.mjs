// In Deno and Bun, bundled: a job as JSON on the standard input, its answer on the standard output. Node: node.mjs.
import { readFileSync } from "node:fs";
import { compare } from "./inside.mjs";
import { peers } from "./peers.mjs";

console.log(JSON.stringify(await compare(peers, JSON.parse(readFileSync(0, "utf8")))));
