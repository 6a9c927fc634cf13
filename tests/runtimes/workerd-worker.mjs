import * as api from "tokenward";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import mlDsaTable from "../conformance/generated/ml-dsa.json";
import overflowing from "../conformance/generated/overflow.json";
import table from "../conformance/generated/table.json";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";
import { memoryUse } from "./memory.mjs";
import { overflow } from "./overflow.mjs";

const SUITES = { "/reference": [reference, table], "/ml-dsa": [mlDsa, mlDsaTable] };

export default {
  fetch({ method, url }) {
    if (method === "HEAD") return new Response();
    if (new URL(url).pathname === "/overflow") return Response.json(overflow(api, overflowing.value, 20));
    if (new URL(url).pathname === "/memory") return Response.json(memoryUse(api, overflowing.value));
    const [chosen, { value }] = SUITES[new URL(url).pathname] ?? [api, table];
    return Response.json({ ...run(chosen, value), instances: instances(), agent: navigator.userAgent });
  },
};
