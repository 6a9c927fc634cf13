// docs/airplane.svg: three days in airplane mode, as a session with the default policy answers them. `npm run picture` writes it;
// a test compares it with what this makes. The answers are asked of the package itself, quarter hour by quarter hour.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, root } from "./run.mjs";

const HOUR = 3600;
const DAY = 24 * HOUR;
const LENGTH = 3 * DAY;
const STEP = HOUR / 4;
/** How long the access token of the picture lasts. */
const LIFETIME = 8 * HOUR;

/** What may be done from when until when, in seconds of the flight: `[{ from, until, access, reason }]`. */
export async function spans() {
  const { createPolicy, createVerifier } = await import("tokenward");
  const { createTestIssuer } = await import("tokenward/testing");
  const issuer = await createTestIssuer({ algorithms: ["ES256"] });
  const start = Math.floor(Date.now() / 1000);
  const token = await issuer.token({ iat: start, exp: start + LIFETIME });
  const verifier = createVerifier({ ...issuer.options, now: () => start });
  const found = [];
  for (let at = 0; at < LENGTH; at += STEP) {
    // In the middle, where the few seconds of tolerance make no difference.
    const marks = { now: start + at + STEP / 2, lastCheckIn: start };
    const { access, reason } = verifier.assess(token, createPolicy(), marks);
    const last = found.at(-1);
    if (last?.access === access && last.reason === reason) last.until = at + STEP;
    else found.push({ from: at, until: at + STEP, access, reason });
  }
  return found;
}

const [WIDTH, LEFT, RIGHT, TOP, BAR] = [760, 24, 24, 78, 44];
const SECONDS = 14;
const place = (time) => Math.round(LEFT + (time / LENGTH) * (WIDTH - LEFT - RIGHT));

/** What each access means for the person, by the defaults. */
const MEANING = { full: "read, write", limited: "read only", none: "until the network is back" };

/** The picture, for a light and a dark page; it stands still where somebody asked for less motion. */
export function picture(found) {
  const bars = found.map(({ from, until, access, reason }) => {
    const [x, width] = [place(from), place(until) - place(from)];
    const label = `<text class="on" x="${x + width / 2}" y="${TOP + 20}">${access}</text>`;
    const meaning = `<text class="on small" x="${x + width / 2}" y="${TOP + 35}">${MEANING[access]}</text>`;
    const why = `<text class="small" x="${x + width / 2}" y="${TOP + BAR + 18}">${reason}</text>`;
    return `<rect class="${access}" x="${x}" y="${TOP}" width="${width}" height="${BAR}"/>${label}${meaning}${why}`;
  });
  const days = [0, 1, 2, 3].map((day) => {
    const anchor = ["start", "middle", "middle", "end"][day];
    const name = day === 0 ? "network off" : `day ${day}`;
    return `<text class="small" text-anchor="${anchor}" x="${place(day * DAY)}" y="${TOP - 12}">${name}</text>`;
  });
  const said = found
    .map(({ from, until, access }) => `${access} from hour ${from / HOUR} to ${until / HOUR}`)
    .join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 150" role="img" aria-labelledby="title">
<title id="title">Three days in airplane mode, with an access token of ${LIFETIME / HOUR} hours and the default policy: ${said}.</title>
<style>
text { font: 600 15px system-ui, sans-serif; fill: #1f2933; }
.small { font-weight: 400; font-size: 12px; }
rect + text, rect + text + text, rect + text + text + text { text-anchor: middle; }
.full { fill: #1a7f4b; } .limited { fill: #8a5a00; } .none { fill: #a3262a; }
text.on { fill: #fff; }
.now { stroke: #1f2933; stroke-width: 2; animation: fly ${SECONDS}s linear infinite; }
@keyframes fly { to { transform: translateX(${place(LENGTH) - place(0)}px); } }
@media (prefers-color-scheme: dark) { text { fill: #e4e7eb; } .now { stroke: #e4e7eb; } }
@media (prefers-reduced-motion: reduce) { .now { animation: none; } }
</style>
<text x="${LEFT}" y="30">Three days in airplane mode</text>
<text class="small" x="${LEFT}" y="48">An access token of ${LIFETIME / HOUR} hours, the default policy, no network: what the session allows</text>
${[...days, ...bars].join("\n")}
<line class="now" x1="${LEFT}" x2="${LEFT}" y1="${TOP - 6}" y2="${TOP + BAR + 6}"/>
</svg>
`;
}

main(import.meta.url, async () => writeFileSync(join(root, "docs/airplane.svg"), picture(await spans())));
