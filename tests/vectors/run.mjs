// Runs vectors on libraries, and tells who takes what.
import { LIBRARIES, lacks } from "./libraries.mjs";

/** The answers of all: `[{ library, group, test, asked, holds, error }]`; the clock stands at each test's time. */
export async function answers(vectors, libraries = LIBRARIES) {
  const all = [];
  for (const library of libraries) {
    for (const group of vectors.groups) {
      const cannot = lacks(library, group);
      for (const test of group.tests) {
        const told = cannot.length > 0 ? { asked: false } : await answer(library, group, test, test.now ?? vectors.now);
        all.push({ library: library.name, group: group.name, test, ...told });
      }
    }
  }
  return withoutControl(all);
}

/** Of others than us: what is refused only because the library takes no sound token of that group and algorithm either, was not asked. */
function withoutControl(all) {
  const sound = new Map();
  for (const one of all.filter(({ test }) => test.result === "valid")) {
    const place = `${one.library} ${one.group}`;
    sound.set(place, [...(sound.get(place) ?? []), one]);
  }
  return all.map((one) => {
    if (one.library === "tokenward") return one;
    const controls = sound.get(`${one.library} ${one.group}`) ?? [];
    const alg = algorithmOf(one.test.token);
    const alike = controls.filter(({ test }) => algorithmOf(test.token) === alg);
    const taken = (alike.length > 0 ? alike : controls).some(({ holds }) => holds);
    return one.test.result === "invalid" && !one.holds && !taken ? { ...one, asked: false } : one;
  });
}

function algorithmOf(token) {
  return /"alg":"(\w+)"/.exec(Buffer.from(token.split(".")[0], "base64url").toString("latin1"))?.[1];
}

async function answer(library, group, test, now) {
  const { now: clock } = Date;
  // Hono and aws-jwt-verify read the clock themselves, and take no other.
  Date.now = () => now * 1000;
  try {
    await library.verifier(group, () => now)(test.token);
    return { asked: true, holds: true };
  } catch (error) {
    return { asked: true, holds: false, error };
  } finally {
    Date.now = clock;
  }
}

/** For each rule and library, how many of the tokens that break it were taken, of how many that were asked. */
export function byRule(vectors, all) {
  const names = [...new Set(all.map(({ library }) => library))];
  const count = (library, fits) => {
    const asked = all.filter((one) => one.library === library && one.asked && fits(one.test));
    return { asked: asked.length, taken: asked.filter(({ holds }) => holds).length };
  };
  const row = (fits) => Object.fromEntries(names.map((library) => [library, count(library, fits)]));
  return {
    names,
    rules: Object.keys(vectors.rules).map((rule) => ({ rule, counts: row((test) => test.rule === rule) })),
    levels: ["must", "asked", "strict"].map((level) => ({
      level,
      counts: row((test) => test.rule !== undefined && vectors.rules[test.rule].level === level),
    })),
    valid: row((test) => test.result === "valid"),
  };
}
