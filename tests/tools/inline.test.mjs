// Bytes as a string in a script: what is written is read back, whatever the bytes are, and no bundler has to escape any of it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { inlined } from "../../tools/inline.mjs";
import { root } from "../../tools/run.mjs";
import fc from "../support/properties.mjs";

const { decoded } = await import(join(root, "pkg/esm/inlined.js"));

const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const roundTrip = (bytes) => assert.deepEqual([...decoded(inlined(bytes))], [...bytes]);

test("any bytes are read back as they were", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), roundTrip));
});

test("so are all bytes there are, none at all, and one alone", () => {
  roundTrip(all);
  roundTrip(all.toReversed?.() ?? Uint8Array.from([...all].reverse()));
  roundTrip(new Uint8Array());
  for (const byte of all) roundTrip(Uint8Array.of(byte));
});

test("what is written is printable ASCII without quotes or backslashes", () => {
  assert.match(inlined(randomBytes(20_000)), /^[ !#-[\]-~]+$/);
});
