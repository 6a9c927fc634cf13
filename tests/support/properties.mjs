// fast-check with one seed, so that a run says the same on each machine, and no shrinking without end: what fails prints its
// seed and path.
//
//   SEED=7 RUNS=100 node --test tests/session/schedule.test.mjs     other examples, 100 times as many
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

/** How many examples a property takes. */
export const runs = (count) => ({ numRuns: Math.ceil(count * Number(process.env.RUNS ?? 1)) });

/** The same where each takes long: shrinking would take hours. */
export const slowRuns = (count) => ({ ...runs(count), endOnFailure: true });

export default fc;
