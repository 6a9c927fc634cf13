// A reporter for Node's test runner: one line of JSON for each test file, with its wall time in milliseconds.
import { resolve } from "node:path";

export default async function* fileTimes(events) {
  for await (const { type, data } of events) {
    // The runner reports a file as a test of its own whose name is the file's path.
    const isFile = type === "test:complete" && data.file !== undefined && resolve(data.name) === resolve(data.file);
    if (isFile) yield `${JSON.stringify({ file: data.file, took: data.details.duration_ms })}\n`;
  }
}
