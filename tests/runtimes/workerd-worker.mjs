import * as api from "tokenward";
import * as reference from "tokenward/reference";
import table from "../conformance/generated/table.json";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";

export default {
  fetch({ method, url }) {
    if (method === "HEAD") return new Response();
    const chosen = new URL(url).pathname === "/reference" ? reference : api;
    return Response.json({ ...run(chosen, table.value), instances: instances(), agent: navigator.userAgent });
  },
};
