// What was measured, for the terminal and as Markdown.

/** The whole comparison as text: microseconds, and in brackets how many times the peer's time Tokenward takes. */
export function table(results) {
  const rows = [
    head(results),
    ...body(results, ({ microseconds, ratio }) => `${short(microseconds.median)} (${short(ratio.median)})`),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
  return [
    "Microseconds a verification (in brackets: Tokenward's time as a multiple of the peer's)",
    ...lines,
    ...firstVerification(results),
    `Module: ${size(results)}`,
  ].join("\n");
}

export function markdown(results) {
  const { machine, runtime, method, versions, date } = results;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# Measured

Written by \`npm run bench\`; every figure is also in [results.json](results.json), with its quartiles.

${machine.cpu}, ${machine.cores} cores, ${machine.system} · Node ${runtime.node} (V8 ${runtime.v8}) · ${date}\\
${packages.join(" · ")}

## Microseconds a verification

The median, and in brackets the middle half of the rounds.

${pipes(
  head(results),
  body(results, ({ microseconds }) => spread(microseconds)),
)}

## Tokenward's time as a multiple of the peer's

The median of the rounds' own ratios. Above 1 the peer is faster.

${pipes(
  head(results),
  body(results, ({ ratio }) => short(ratio.median)),
)}

## First verification

From nothing loaded to one verified token in a fresh process, in milliseconds: importing, compiling, the key, the
signature. Node's own start is left out. ${method.freshProcesses} processes each, in turns.

${firstTable(results)}

## Size of the module

${size(results)}

## How

- One token of about ${method.tokenLength} characters, signed with a key that was used before; RSA keys have ${method.rsaBits} bits. Every call
  gets a new string, as from a request.
- Each verifier is made once, as its documentation says. Before it is timed it must accept the good token and refuse a
  corrupted signature and a changed payload, and then an expired token, another issuer's and another audience's.
- \`node:crypto\` is the signature alone: base64url and \`crypto.verify\`. It reads no header and checks no claims, so it is
  the floor under the libraries that call it. Only its refusal of the two forgeries is asked for.
- "-" is an algorithm, or a memory of tokens, the library does not have. Memories of tokens are off, but in the row
  "seen before" (RS256). Libraries may keep prepared keys.
- jose and hono are asynchronous: one verification is awaited after the other, as in a request. The others, aws-jwt-verify
  by its \`verifySync\`, are synchronous.
- The quartiles are those of one run. jose and hono differ far more between runs: two runs minutes apart, same machine and
  code, gave jose 132 and 46 µs for RS256, 203 and 130 µs for EdDSA, so that Tokenward was the faster at EdDSA in one and
  the slower in the other. Why was not established; take no ratio to these two from a single run. The synchronous ones
  agreed within 9 %.
- ${method.warmUpMs} ms of warm-up each, then ${method.rounds} rounds; in each round every verifier runs for about ${method.sliceMs} ms, each round beginning with
  another one.
- Tokenward's arithmetic is WebAssembly on one core; the others call OpenSSL, compiled for the processor.
`;
}

function head({ versions }) {
  return ["", ...Object.keys(versions)];
}

function body({ versions, verifications, seenBefore }, cell) {
  return Object.entries({ ...verifications, "seen before": seenBefore }).map(([title, by]) => [
    title,
    ...Object.keys(versions).map((name) => (by[name] ? cell(by[name]) : "-")),
  ]);
}

function firstVerification({ firstVerification }) {
  return Object.entries(firstVerification).map(([algorithm, by]) => {
    const times = Object.entries(by).map(([library, { median }]) => `${library} ${short(median)} ms`);
    return `First verification (${algorithm}, fresh process): ${times.join(", ")}`;
  });
}

function firstTable({ firstVerification }) {
  const libraries = Object.keys(Object.values(firstVerification)[0]);
  const rows = Object.entries(firstVerification).map(([algorithm, by]) => [
    algorithm,
    ...libraries.map((library) => spread(by[library])),
  ]);
  return pipes(["", ...libraries], rows);
}

function size({ moduleBytes }) {
  const told = Object.entries(moduleBytes).map(([form, bytes]) => `${(bytes / 1000).toFixed(1)} kB ${form}`);
  return told.join(", ");
}

function spread({ q1, median, q3 }) {
  return `${short(median)} (${short(q1)}–${short(q3)})`;
}

function pipes(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/** Three significant digits at most, without an exponent. */
function short(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}
