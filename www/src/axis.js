// The picture of a token's life: marks (iat, nbf, exp), spans between them, and a "now" that can be moved. It knows
// only marks and spans, so another phase of life is one more entry of each.

import { make, update } from "./dom.js";
import { clock, dateTime, isTime, relative } from "./time.js";

const SHORTEST_LIFE = 60;
/** Labels closer than this, in pixels, are written as one. */
const LABEL_ROOM = 74;
/** Room for the focus ring, in pixels. */
const OUTLINE = 5;

/** What an unverified token says of its times is marked, but nothing follows from it. */
const NOTHING_KNOWN = [{ kind: "unknown", from: -Infinity, to: Infinity, label: "not verified" }];

/**
 * @typedef {{ name: string, at: number }} Mark
 * @typedef {{ kind: "before" | "valid" | "after", from: number, to: number, label: string }} Span open ends are infinite
 */

/** @returns {{ marks: Mark[], spans: Span[] }} */
export function lifeOf(claims) {
  const at = (name) => (isTime(claims?.[name]) ? claims[name] : undefined);
  const marks = ["iat", "nbf", "exp"].map((name) => ({ name, at: at(name) })).filter((mark) => mark.at !== undefined);
  const from = at("nbf") ?? at("iat") ?? -Infinity;
  const to = at("exp") ?? Infinity;
  if (marks.length === 0) return { marks, spans: [] };
  const spans = [
    { kind: "before", from: -Infinity, to: from, label: "not yet" },
    { kind: "valid", from, to, label: "valid" },
    { kind: "after", from: to, to: Infinity, label: "expired" },
  ];
  return { marks, spans: spans.filter((span) => span.from < span.to) };
}

/** @param {HTMLElement} root @param {(now: number) => void} onMove */
export function createAxis(root, onMove) {
  const track = make("div.axis-track", { ariaHidden: "true" });
  const marks = make("div.axis-marks", { ariaHidden: "true" });
  const bubble = make("div.axis-bubble", { ariaHidden: "true" });
  const needle = make("div.axis-needle", { ariaHidden: "true" });
  const slider = make("input.axis-slider", {
    type: "range",
    step: "1",
    id: "now",
    ariaLabel: "Now: the moment of the check",
  });
  root.append(marks, track, slider, needle, bubble);
  let window = { from: 0, to: 1 };
  let drawn;

  slider.addEventListener("input", () => onMove(Number(slider.value)));
  slider.addEventListener("keydown", (event) => {
    const moved = step(event, Number(slider.value), window);
    if (moved === undefined) return;
    event.preventDefault();
    onMove(clamp(moved, window));
  });
  new ResizeObserver(() => drawn && draw(drawn)).observe(root);

  /** @param {{ life: { marks: Mark[], spans: Span[] }, now: number, trusted: boolean }} picture */
  function draw(picture) {
    drawn = picture;
    const { life, now, trusted } = picture;
    window = windowFor(life.marks, now, window, slider.matches(":active"));
    const place = (at) => (clamp(at, window) - window.from) / (window.to - window.from);
    root.classList.toggle("untrusted", !trusted);
    root.classList.toggle("empty", life.marks.length === 0);
    update(track, ...(trusted ? life.spans : NOTHING_KNOWN).map((span) => drawSpan(span, place)));
    update(marks, ...drawMarks(life.marks, place, root.clientWidth, window));
    slider.min = String(window.from);
    slider.max = String(window.to);
    slider.value = String(Math.round(now));
    slider.setAttribute("aria-valuetext", spokenNow(now, life.marks));
    needle.style.setProperty("--at", String(place(now)));
    drawBubble(bubble, now, window, place(now), root.clientWidth);
  }
  return { draw };
}

function drawSpan({ kind, from, to, label }, place) {
  const [left, right] = [place(from), place(to)];
  const wide = right - left > 0.14;
  return make(
    `div.axis-span.${kind}`,
    { style: { "--from": String(left), "--size": String(right - left) } },
    wide ? label : "",
  );
}

function drawMarks(marks, place, width, window) {
  const groups = [];
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    const x = place(mark.at);
    const last = groups.at(-1);
    if (last && (x - last.x) * width < LABEL_ROOM) last.marks.push(mark);
    else groups.push({ x, marks: [mark] });
  }
  const span = window.to - window.from;
  return groups.flatMap(({ x, marks: [first, ...rest] }) => [
    ...[first, ...rest].map(({ at }) => make("div.axis-tick", { style: { "--at": String(place(at)) } })),
    make(
      `div.axis-label${x > 0.85 ? ".end" : ""}`,
      { style: { "--at": String(x) } },
      make("b", {}, [first, ...rest].map(({ name }) => name).join(" · ")),
      make("span", {}, clock(first.at, span)),
    ),
  ]);
}

function drawBubble(bubble, now, window, x, width) {
  const beyond = now > window.to ? " →" : "";
  const before = now < window.from ? "← " : "";
  update(bubble, make("b", {}, `${before}now${beyond}`), make("span", {}, clock(now, window.to - window.from)));
  const half = width > 0 ? (bubble.offsetWidth / 2 + OUTLINE) / width : 0;
  bubble.style.setProperty("--label-at", String(Math.min(1 - half, Math.max(half, x))));
}

/** The token's life with room on both sides; whole seconds. While the handle is held, the window stays put. */
function windowFor(marks, now, current, held) {
  if (held) return current;
  if (marks.length === 0) return { from: Math.floor(now - 1800), to: Math.ceil(now + 1800) };
  const times = marks.map(({ at }) => at);
  const from = Math.min(...times);
  const to = Math.max(...times);
  const life = Math.max(to - from, SHORTEST_LIFE);
  return { from: Math.floor(from - 0.25 * life), to: Math.ceil(to + 0.5 * life) };
}

/** Arrow keys move by a hundredth of the picture (with Shift by a second), Page keys by a tenth, Home and End to its ends. */
function step({ key, shiftKey }, value, { from, to }) {
  const small = shiftKey ? 1 : Math.max(1, Math.round((to - from) / 100));
  const large = Math.max(1, Math.round((to - from) / 10));
  const moves = {
    ArrowRight: value + small,
    ArrowUp: value + small,
    ArrowLeft: value - small,
    ArrowDown: value - small,
    PageUp: value + large,
    PageDown: value - large,
    Home: from,
    End: to,
  };
  return moves[key];
}

function spokenNow(now, marks) {
  const apart = marks.map(({ name, at }) => `${name} ${relative(at, now)}`);
  return [dateTime(now), ...apart].join(", ");
}

const clamp = (value, { from, to }) => Math.min(to, Math.max(from, value));
