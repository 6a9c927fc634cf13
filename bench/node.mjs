// In Node, as it is: a job as JSON on the standard input, its answer on the standard output.
import { readFileSync } from "node:fs";
import { compare } from "./inside.mjs";
import { nativePeers } from "./native-peers.mjs";
import { peers } from "./peers.mjs";

console.log(JSON.stringify(await compare([...peers, ...nativePeers], JSON.parse(readFileSync(0, "utf8")))));
