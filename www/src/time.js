// Unix seconds as people read them.

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const UNITS = [
  ["year", 365.25 * 86_400],
  ["day", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];
/** What a Date can hold, in seconds. */
const LIMIT = 8.64e12;

export const realNow = () => Date.now() / 1000;

export const isTime = (value) => typeof value === "number" && Math.abs(value) <= LIMIT;

export const dateTime = (seconds) => (isTime(seconds) ? DATE.format(seconds * 1000) : "beyond any calendar");

/** The time of day, or the day where `others` are days away. */
export function clock(seconds, span) {
  if (!isTime(seconds)) return "beyond any calendar";
  return (span > 2 * 86_400 ? DAY : CLOCK).format(seconds * 1000);
}

/** The time of day, with the day if it is another than `other`'s. */
export function clockBeside(seconds, other) {
  if (!isTime(seconds)) return "beyond any calendar";
  const [date, day] = [seconds, other].map((each) => DAY.format(each * 1000));
  return date === day ? clock(seconds, 0) : SHORT.format(seconds * 1000);
}

/** `14 min 20 s`: the two greatest units. */
export function duration(seconds) {
  let rest = Math.round(Math.abs(seconds));
  const words = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) words.push(`${count} ${unit}${count > 1 && (unit === "year" || unit === "day") ? "s" : ""}`);
    else if (words.length > 0) break;
    rest -= count * size;
    if (words.length === 2) break;
  }
  return words.join(" ") || "0 s";
}

/** `in 5 min`, `5 min ago`, as seen from `now`. */
export function relative(seconds, now) {
  const apart = seconds - now;
  if (Math.abs(apart) < 0.5) return "now";
  return apart > 0 ? `in ${duration(apart)}` : `${duration(apart)} ago`;
}
