// What runs inside a browser, wherever in it: the conformance suite on the package as a bundler finds it.
import * as api from "tokenward";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";

/** The result, with what the place it ran in has. */
export async function answer() {
  const response = await fetch("/table.json");
  const result = run(api, await response.json());
  return {
    ...result,
    instances: instances(),
    where: globalThis.constructor.name,
    subtle: typeof globalThis.crypto?.subtle,
  };
}
