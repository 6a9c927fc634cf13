// What runs inside a browser, wherever in it: the conformance suite and the end of the
// stack, on the package as a bundler finds it.
import * as api from "tokenward";
import * as mlDsa from "tokenward/ml-dsa";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";
import { overflow } from "./overflow.mjs";

/** The result, with what the place it ran in has. */
export async function answer() {
  const result = run(api, await given("/table.json"));
  const made = instances();
  return {
    ...result,
    instances: made,
    mlDsa: run(mlDsa, await given("/ml-dsa.json")),
    overflowed: overflow(api, await given("/overflow.json"), 10),
    where: globalThis.constructor.name,
    subtle: typeof globalThis.crypto?.subtle,
  };
}

async function given(path) {
  return (await fetch(path)).json();
}
