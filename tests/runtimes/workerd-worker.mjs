import * as api from "tokenward";
import * as reference from "tokenward/reference";
import overflowing from "../conformance/generated/overflow.json";
import table from "../conformance/generated/table.json";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";
import { memoryUse } from "./memory.mjs";
import { overflow } from "./overflow.mjs";

export default {
  fetch({ method, url }) {
    if (method === "HEAD") return new Response();
    if (new URL(url).pathname === "/overflow") return Response.json(overflow(api, overflowing.value, 20));
    if (new URL(url).pathname === "/memory") return Response.json(memoryUse(api, overflowing.value));
    const chosen = new URL(url).pathname === "/reference" ? reference : api;
    return Response.json({ ...run(chosen, table.value), instances: instances(), agent: navigator.userAgent });
  },
};
