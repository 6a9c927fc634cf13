// Times contenders side by side: short slices, round by round, so that what disturbs the machine disturbs all alike.

/**
 * The seconds one call takes, for each contender and round: `{ [name]: number[] }`. Each call gets a string of its own,
 * as from a request: V8 keeps a string's hash in the string, which would make every memory of tokens look faster.
 */
export async function measure(contenders, token, { rounds, sliceMs, warmUpMs }) {
  const bytes = new TextEncoder().encode(token);
  const sized = [];
  for (const contender of contenders)
    sized.push({ ...contender, calls: await warmUp(contender, bytes, warmUpMs, sliceMs) });
  const times = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % sized.length;
    for (const { name, slice, calls } of [...sized.slice(first), ...sized.slice(0, first)]) {
      times[name].push(await slice(bytes, calls));
    }
  }
  return times;
}

/** Runs a contender until it is compiled and steady, and answers how many calls fill a slice. */
async function warmUp({ slice }, bytes, warmUpMs, sliceMs) {
  const end = performance.now() + warmUpMs;
  let calls = 1;
  let seconds;
  do {
    seconds = await slice(bytes, calls);
    // A coarse clock may not have moved.
    calls = seconds > 0 ? Math.max(1, Math.round(sliceMs / 1000 / seconds)) : calls * 2;
  } while (performance.now() < end);
  return calls;
}

/** A function that makes `calls` calls and answers the seconds of one; synchronous verifiers are not awaited. */
export function slicer(verify, asynchronous) {
  if (asynchronous) {
    return async (bytes, calls) => {
      const text = texts(bytes);
      const started = performance.now();
      for (let call = 0; call < calls; call++) await verify(text());
      return (performance.now() - started) / 1000 / calls;
    };
  }
  return (bytes, calls) => {
    const text = texts(bytes);
    const started = performance.now();
    for (let call = 0; call < calls; call++) verify(text());
    return (performance.now() - started) / 1000 / calls;
  };
}

/** Makes a new string at every call, in the quickest way there is. */
function texts(bytes) {
  const buffer = globalThis.Buffer?.from(bytes);
  if (buffer?.latin1Slice) return () => buffer.latin1Slice();
  const decoder = new TextDecoder();
  return () => decoder.decode(bytes);
}

export function quartiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => {
    const place = (sorted.length - 1) * share;
    const below = Math.floor(place);
    return sorted[below] + (sorted[Math.ceil(place)] - sorted[below]) * (place - below);
  };
  return { q1: at(0.25), median: at(0.5), q3: at(0.75) };
}
