// The laws of merging, for replicas as they come: whatever tabs hear in whatever order, they end up with the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compare,
  compareEnded,
  covers,
  EMPTY,
  EVERY_ID,
  end,
  isSamePlace,
  merge,
  readReplica,
  writeReplica,
} from "../../pkg/esm/session/record.js";
import fc, { runs } from "../support/properties.mjs";

const RUNS = runs(20_000);
const id = (character) => character.repeat(32);
const CAUSES = ["rejected", "interrupted", "user_changed", "evicted", "clock_changed", "signed_out"];

const plain = (members) => fc.record(members, { noNullPrototype: true });
const place = plain({
  signIn: fc.integer({ min: 1, max: 3 }),
  id: fc.constantFrom(id("a"), id("b")),
  generation: fc.nat({ max: 2 }),
  turn: fc.nat({ max: 2 }),
  turnId: fc.constantFrom("", "x", "y"),
});
const record = fc
  .tuple(place, fc.nat({ max: 3 }))
  .map(([where, intent]) => ({ ...where, intent, at: where.signIn, sealed: JSON.stringify(where) }));
const ended = fc.oneof(
  fc.constant(EMPTY.ended),
  plain({
    signIn: fc.integer({ min: 1, max: 3 }),
    id: fc.constantFrom(id("a"), id("b"), EVERY_ID),
    cause: fc.constantFrom(...CAUSES),
  }),
);
/** What is over is in no replica. */
const replica = fc
  .tuple(ended, fc.option(record))
  .map(([over, one]) => ({ epoch: "e", ended: over, record: one !== null && covers(over, one) ? null : one }));

const isAtLeast = (one, other) =>
  compareEnded(one.ended, other.ended) >= 0 &&
  (other.record === null || covers(one.ended, other.record) || compare(one.record, other.record) >= 0);

test("merging is commutative", () =>
  fc.assert(
    fc.property(replica, replica, (a, b) => assert.deepEqual(merge(a, b), merge(b, a))),
    RUNS,
  ));

test("merging is associative", () =>
  fc.assert(
    fc.property(replica, replica, replica, (a, b, c) => assert.deepEqual(merge(merge(a, b), c), merge(a, merge(b, c)))),
    RUNS,
  ));

test("merging is idempotent, and what is merged again changes nothing", () =>
  fc.assert(
    fc.property(replica, replica, (a, b) => {
      assert.deepEqual(merge(a, a), a);
      assert.deepEqual(merge(merge(a, b), b), merge(a, b));
    }),
    RUNS,
  ));

test("merging only grows, and holds nobody who is over", () =>
  fc.assert(
    fc.property(replica, replica, (a, b) => {
      const merged = merge(a, b);
      assert.ok(isAtLeast(merged, a) && isAtLeast(merged, b));
      assert.ok(merged.record === null || !covers(merged.ended, merged.record));
    }),
    RUNS,
  ));

test("records have one order, in which only one and the same record are equal", () =>
  fc.assert(
    fc.property(record, record, record, (a, b, c) => {
      assert.equal(Math.sign(compare(a, b)) + Math.sign(compare(b, a)), 0);
      assert.equal(compare(a, b) === 0, isSamePlace(a, b) && a.intent === b.intent);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
    }),
    RUNS,
  ));

test("who is over stays over, whatever is merged later", () =>
  fc.assert(
    fc.property(replica, ended, fc.array(replica, { maxLength: 4 }), (a, over, others) => {
      const after = others.reduce((one, other) => merge(one, other), end(a, over));
      assert.ok(after.record === null || !covers(over, after.record) || over.signIn === 0);
    }),
    RUNS,
  ));

test("what is written is read again", () =>
  fc.assert(
    fc.property(replica, (a) => {
      const text = `${JSON.stringify(writeReplica(a))}      `;
      assert.deepEqual(readReplica(JSON.parse(text)), a);
    }),
  ));

/** Anything but the one number that is right, as the version. */
const odds = fc.anything().filter((odd) => odd !== 2);

test("whatever else is stored or heard is read as nothing, and nothing throws", () =>
  fc.assert(
    fc.property(replica, odds, fc.constantFrom("version", "ended", "record"), (a, odd, member) => {
      readReplica(odd);
      const read = readReplica({ ...writeReplica(a), [member]: odd });
      if (read !== undefined && odd !== null) assert.equal(member, "record");
    }),
    RUNS,
  ));
