import * as api from "tokenward";
import table from "../conformance/generated/table.json";
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";

export default {
  fetch({ method }) {
    if (method === "HEAD") return new Response();
    return Response.json({ ...run(api, table.value), instances: instances(), agent: navigator.userAgent });
  },
};
