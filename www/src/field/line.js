// The policy drawn as a line: full, limited, none. Minutes and days share it, so its scale is broken: each span has a
// part of the line, and time passes evenly within a span.

import { make, update } from "../dom.js";
import { clockBeside } from "../time.js";

/** Shares of the line's length. */
const SHARES = [0.06, 0.34, 0.4, 0.2];

/**
 * @param {{ iat: number, exp: number }} claims
 * @returns {{ from: number, to: number, kind: string, label: string }[]}
 */
export function spansOf({ iat, exp }, { tolerance, grace }) {
  const ends = exp + tolerance;
  const over = exp + grace;
  return [
    { from: iat - 3600, to: iat, kind: "before", label: "" },
    { from: iat, to: ends, kind: "full", label: "full" },
    { from: ends, to: over, kind: "limited", label: "limited" },
    { from: over, to: over + grace, kind: "none", label: "none" },
  ];
}

/** 0 to 1 along the line. */
export function placeOf(time, spans) {
  let start = 0;
  for (const [index, { from, to }] of spans.entries()) {
    if (time < to) return start + SHARES[index] * Math.max(0, (time - from) / (to - from));
    start += SHARES[index];
  }
  return 1;
}

export function timeAt(place, spans) {
  let start = 0;
  for (const [index, { from, to }] of spans.entries()) {
    const share = SHARES[index];
    if (place <= start + share || index === spans.length - 1) return from + ((place - start) / share) * (to - from);
    start += share;
  }
  return spans.at(-1).to;
}

export function drawLine(root, spans, now) {
  const parts = spans.map(({ kind, label }, index) =>
    make(`div.field-span.${kind}`, { style: { "--share": String(SHARES[index]) } }, label),
  );
  const marks = spans.slice(1).map(({ from, kind }) => {
    const name = { full: "iat", limited: "exp", none: "+ grace" }[kind];
    const style = { "--at": String(placeOf(from, spans)) };
    return make("div.field-mark", { style }, make("b", {}, name), make("span", {}, clockBeside(from, spans[1].from)));
  });
  const needle = make("div.field-needle", { style: { "--at": String(placeOf(now, spans)) } });
  update(root, make("div.field-spans", {}, ...parts, needle), make("div.field-marks", {}, ...marks));
}
