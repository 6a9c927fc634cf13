// A reporter for Node's test runner: a line of JSON for each test file, with its wall time in milliseconds, and for each
// test that failed, with what was said.
import { resolve } from "node:path";
import { inspect, stripVTControlCharacters } from "node:util";

/** What cargo tells programs, not people. */
const CARGO_MESSAGE = /^\s*\{"reason":.*\n/gm;

export default async function* testEvents(events) {
  for await (const { type, data } of events) {
    // The runner reports a file as a test of its own whose name is the file's path.
    const isFile = () => data.file !== undefined && resolve(data.name) === resolve(data.file);
    if (type === "test:complete" && isFile()) yield line({ file: data.file, took: data.details.duration_ms });
    if (type !== "test:fail") continue;
    const { error } = data.details;
    // A suite fails with its tests, which are told by themselves.
    if (error?.failureType === "subtestsFailed") continue;
    const said = stripVTControlCharacters(inspect(error?.cause ?? error)).replaceAll(CARGO_MESSAGE, "");
    yield line({ failed: data.name, in: data.file, said });
  }
}

const line = (event) => `${JSON.stringify(event)}\n`;
