// In a browser's page, bundled: `bench.start(job)`, and `bench.answer` once it is there.
import { compare } from "./inside.mjs";
import { peers } from "./peers.mjs";

globalThis.bench = {
  answer: "",
  start(job) {
    this.answer = "";
    compare(peers, job).then(
      (answer) => {
        this.answer = JSON.stringify(answer);
      },
      (error) => {
        this.answer = JSON.stringify({ error: String(error.message ?? error) });
      },
    );
    return true;
  },
};
