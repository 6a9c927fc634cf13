// What was measured, for the terminal, as Markdown and as a picture.
import { quartiles } from "./measure.mjs";

/** The greatest spread of the rounds, as `spreadOf` has it, that counts as quiet. */
const QUIET = 0.12;

/** How far a runtime's rounds differed: the middle half of them, as a share of their median, in the median of all cells. */
export function spreadOf({ prepared, newKey }) {
  const spreads = [...Object.values(prepared), ...Object.values(newKey)]
    .flatMap((by) => Object.values(by))
    .map(({ microseconds: { q1, median, q3 } }) => (q3 - q1) / median);
  return quartiles(spreads).median;
}

/** Whether figures are to be trusted. */
function noise(runtime) {
  const spread = spreadOf(runtime);
  return `${spread <= QUIET ? "quiet" : "NOISY"} (spread of the rounds ${Math.round(spread * 100)} %)`;
}

/** One runtime as text: microseconds, and in brackets how many times the peer's time Tokenward takes. */
export function table(runtime, machine) {
  const lines = grid(runtime, ({ microseconds, ratio }) => `${short(microseconds.median)} (${short(ratio.median)})`);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return [
    `${runtime.title} ${runtime.version} on ${machine.cpu}, ${noise(runtime)}: microseconds a verification (in brackets: Tokenward's time as a multiple of the peer's)`,
    ...lines.map((line) => line.map((cell, column) => cell.padStart(widths[column])).join("  ")),
  ].join("\n");
}

export function markdown(results) {
  const { machine, method, versions, date, runtimes } = results;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const all = Object.values(runtimes);
  return `# Measured

Written by \`npm run bench\`; every figure is also in \`bench/results.json\` of a clone, with its quartiles.

${machine.cpu}, ${machine.cores} cores, ${machine.system} · ${date}\\
${all.map(({ title, version }) => (title.startsWith("Node") ? `Node ${version}` : `${title} ${version}`)).join(" · ")}\\
${packages.join(" · ")}

## Tokenward's time as a multiple of the fastest peer's

Below 1 Tokenward is the fastest. The median of the rounds' own ratios, and the peer. On ${machine.cpu}: ratios differ
between processors. A runtime with an asterisk was not quiet: the middle half of its rounds differed by more than
${Math.round(QUIET * 100)} % of their median, in the median of its figures.

${pipes(
  ["row", ...all.map((runtime) => `${runtime.title}${spreadOf(runtime) <= QUIET ? "" : " \\*"}`)],
  rowsOf(all).flatMap((row) =>
    ["prepared", "newKey"]
      .filter((mode) => row in all[0][mode])
      .map((mode) => [
        mode === "newKey" ? `${row}, new key` : row,
        ...all.map((runtime) => {
          const peer = fastest(runtime[mode][row]);
          return peer ? `${short(peer.ratio.median)} (${peer.name})` : "-";
        }),
      ]),
  ),
)}

![The same as a picture](ratios.svg)

![Microseconds a verification in Node 24, by algorithm and library](times.svg)

${all
  .map(
    (runtime) => `## ${runtime.title}

On ${machine.cpu}, ${noise(runtime)}. Microseconds a verification: the median, and in brackets the middle half of the rounds.

${pipes(...headAndRows(grid(runtime, ({ microseconds }) => spread(microseconds))))}
`,
  )
  .join("\n")}
## From nothing

From nothing loaded to one verified token in a fresh process of Node 24, in milliseconds: importing, compiling, the key,
the signature. Node's own start is left out. ${method.freshProcesses} processes each, in turns.

${firstTable(results)}

## Size of the modules

${pipes(
  ["kB", "raw", "gzip", "brotli"],
  Object.entries(results.moduleBytes).map(([name, bytes]) => [
    name,
    ...Object.values(bytes).map((count) => (count / 1000).toFixed(1)),
  ]),
)}

## How

- One token of about ${method.tokenLength} characters, signed with a key that was used before; RSA keys have ${method.rsaBits} bits, and
  those of the row RSA-4096 (RS256) twice as many; tokens of RSA-4096 and ML-DSA are longer by their signatures. Every call
  gets a new string, as from a request.
- Each verifier is made once, as its documentation says. Before it is timed it must accept the good token and refuse a
  corrupted signature and a changed payload, and then an expired token, another issuer's and another audience's.
- "new key": the key is imported, the verifier made and one token verified, each time anew. "seen before": the same token
  again (${"RS256"}), by a verifier that remembers; all other rows are without memories of tokens.
- \`node:crypto\` is the signature alone: base64url and \`crypto.verify\`. It reads no header and checks no claims, so it is
  no peer, but about the least that the libraries that call it can take. \`tokenward/reference\` is Tokenward with RustCrypto's arithmetic.
- "-" is what the library, or the runtime under it, does not have.
- jose and hono are asynchronous: one verification is awaited after the other, as in a request. The others, aws-jwt-verify
  and @node-rs/jsonwebtoken by their synchronous functions, are not.
- ${method.warmUpMs} ms of warm-up each, then ${method.rounds} rounds; in each round every verifier runs for about ${method.sliceMs} ms, each round beginning with
  another one. In Node, Deno and Bun each row has a process of its own.
- Times of the asynchronous libraries differ between runs far more than the quartiles of one run tell: compare within one
  run.
- workerd is the program itself, whose clock runs while it computes; Cloudflare's does not.
`;
}

/** Rows of cells: the names of those compared, then a row for each algorithm and mode. */
function grid({ prepared, newKey, seenBefore }, cell) {
  const rows = {
    ...prepared,
    ...Object.fromEntries(Object.entries(newKey).map(([algorithm, by]) => [`${algorithm}, new key`, by])),
    "seen before": seenBefore,
  };
  const names = [...new Set(Object.values(prepared).flatMap(Object.keys))];
  return [
    ["row", ...names],
    ...Object.entries(rows).map(([title, by]) => [title, ...names.map((name) => (by[name] ? cell(by[name]) : "-"))]),
  ];
}

function headAndRows([head, ...rows]) {
  return [head, rows];
}

const NO_PEERS = ["tokenward", "tokenward/reference", "node:crypto"];

/** The fastest of those that verify whole tokens and are not Tokenward, if there is one. */
function fastest(by) {
  const peers = Object.entries(by).filter(([name]) => !NO_PEERS.includes(name));
  const [best] = peers.sort(([, one], [, other]) => one.microseconds.median - other.microseconds.median);
  return best && { name: best[0], ...best[1] };
}

function rowsOf(runtimes) {
  return Object.keys(runtimes[0].prepared);
}

function firstTable({ firstVerification }) {
  const libraries = Object.keys(Object.values(firstVerification)[0]);
  const rows = Object.entries(firstVerification).map(([algorithm, by]) => [
    algorithm,
    ...libraries.map((library) => spread(by[library])),
  ]);
  return pipes(["row", ...libraries], rows);
}

function spread({ q1, median, q3 }) {
  return `${short(median)} (${short(q1)}–${short(q3)})`;
}

function pipes(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/** Two or three significant digits, without an exponent. */
function short(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}

const TIMES = { width: 396, columns: 2, label: 164, bar: 14, step: 20, top: 30, value: 56 };

/** Bars, a panel for each algorithm: microseconds a verification by library, the fastest first, in one runtime. */
export function times({ runtimes }, name = "node24") {
  const { title, version, prepared } = runtimes[name];
  const libraries = (row) =>
    Object.entries(prepared[row])
      .filter(([library]) => library === "tokenward" || !NO_PEERS.includes(library))
      .map(([library, { microseconds }]) => [library, microseconds.median])
      .sort(([, one], [, other]) => one - other);
  const rows = Object.keys(prepared).map((row) => [row, libraries(row)]);
  const { width, columns, step, top } = TIMES;
  const height = top + Math.max(...rows.map(([, by]) => by.length)) * step + 16;
  const panels = rows.map(([row, by], place) => {
    const [x, y] = [(place % columns) * width, Math.floor(place / columns) * height];
    return `<g transform="translate(${x} ${y})">${timesPanel(row, by)}</g>`;
  });
  const caption = `Microseconds a verification in ${title} (${version}). Shorter is faster.`;
  return svg(width * columns, height * Math.ceil(rows.length / columns) + 26, caption, panels);
}

function timesPanel(row, by) {
  const { width, label, bar, step, top, value } = TIMES;
  const unit = (width - label - value) / Math.max(...by.map(([, time]) => time));
  const bars = by.map(([library, time], place) => {
    const y = top + place * step;
    const length = (time * unit).toFixed(1);
    return [
      `<text x="${label - 6}" y="${y + bar - 3}" text-anchor="end">${library}</text>`,
      `<rect class="bar${library === "tokenward" ? "" : " other"}" x="${label}" y="${y}" width="${length}" height="${bar}" rx="2"/>`,
      `<text x="${Number(length) + label + 5}" y="${y + bar - 3}">${short(time)}</text>`,
    ].join("");
  });
  return [`<text class="algorithm" x="${label}" y="18">${row}</text>`, ...bars].join("\n");
}

const PANEL = { width: 264, height: 226, columns: 3, label: 74, bar: 14, step: 20, top: 30, longest: 1.6 };

/** Bars, a panel for each row: Tokenward's time as a share of the fastest peer's. */
export function picture({ runtimes }) {
  const all = Object.values(runtimes);
  const rows = rowsOf(all).filter((row) => all.some(({ prepared }) => fastest(prepared[row])));
  const width = PANEL.width * PANEL.columns;
  const height = PANEL.height * Math.ceil(rows.length / PANEL.columns) + 26;
  const panels = rows.map((row, place) => {
    const x = (place % PANEL.columns) * PANEL.width;
    const y = Math.floor(place / PANEL.columns) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${panel(row, all)}</g>`;
  });
  const name =
    "Tokenward's time for a verification as a share of the fastest other library's, by algorithm and runtime";
  const caption =
    "Tokenward's time for a verification as a share of the fastest other library's. Dashed line: as fast. Shorter is faster.";
  return svg(width, height, caption, panels, name);
}

/** A picture for a light and a dark page. */
function svg(width, height, caption, panels, name = caption) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.algorithm { font-weight: 600; font-size: 13px; }
.bar { fill: #0969da; }
.slower { fill: #bc4c00; }
.other { fill: #818b98; }
.one { stroke: #59636e; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .bar { fill: #4493f8; }
  .slower { fill: #db6d28; }
  .other { fill: #656c76; }
  .one { stroke: #9198a1; }
}
</style>
${panels.join("\n")}
<text x="0" y="${height - 8}">${caption}</text>
</svg>
`;
}

function panel(row, runtimes) {
  const { label, bar, step, top, longest, width } = PANEL;
  const unit = (width - label - 44) / longest;
  const bars = runtimes.map(({ title, prepared }, place) => {
    const ratio = fastest(prepared[row])?.ratio.median;
    const y = top + place * step;
    if (ratio === undefined) return "";
    const length = (Math.min(ratio, longest) * unit).toFixed(1);
    const middle = y + bar - 3;
    return [
      `<text x="${label - 6}" y="${middle}" text-anchor="end">${title}</text>`,
      `<rect class="bar${ratio > 1 ? " slower" : ""}" x="${label}" y="${y}" width="${length}" height="${bar}" rx="2"/>`,
      `<text x="${Number(length) + label + 5}" y="${middle}">${short(ratio)}</text>`,
    ].join("");
  });
  const one = (label + unit).toFixed(1);
  return [
    `<text class="algorithm" x="${label}" y="18">${row}</text>`,
    ...bars,
    `<line class="one" x1="${one}" x2="${one}" y1="${top - 4}" y2="${top + runtimes.length * step}"/>`,
  ].join("\n");
}
