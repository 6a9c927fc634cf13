// What runs inside Deno and Bun: the conformance suite on the package as they find it.
import * as api from "tokenward";
import * as mlDsa from "tokenward/ml-dsa";
import * as reference from "tokenward/reference";
import mlDsaTable from "../conformance/generated/ml-dsa.json" with { type: "json" };
import overflowing from "../conformance/generated/overflow.json" with { type: "json" };
import table from "../conformance/generated/table.json" with { type: "json" };
import { run } from "../conformance/suite.mjs";
import { instances } from "./instances.mjs";
import { overflow } from "./overflow.mjs";

const own = { ...run(api, table.value), instances: instances() };
const referenced = run(reference, table.value);
const withMlDsa = run(mlDsa, mlDsaTable.value);
const overflowed = overflow(api, overflowing.value, 20);
console.log(JSON.stringify({ agent: navigator.userAgent, own, reference: referenced, mlDsa: withMlDsa, overflowed }));
