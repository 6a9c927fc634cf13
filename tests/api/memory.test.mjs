// The end of the memory: a typed error, and the module goes on. What is replaced or disposed of leaves no memory behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { memoryUse } from "../runtimes/memory.mjs";
import { overflowGiven } from "../runtimes/overflow-given.mjs";

const given = overflowGiven();

/** What a program prints as JSON, in a process whose WebAssembly memories have at most so many pages of 64 KiB. */
function within(pages, program) {
  const script = `
    import { ConfigError, createVerifier } from "tokenward";
    const { now, issuer, audience, kinds } = JSON.parse(process.argv[1]);
    const options = { issuer, audience, now: () => now };
    const jwks = kinds.map(({ jwk }) => jwk);
    const codeOf = (work) => {
      try { return work(); } catch (error) { return error instanceof ConfigError ? error.code : String(error); }
    };
    ${program}`;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const args = [`--wasm-max-mem-pages=${pages}`, "--input-type=module", "--eval", script, JSON.stringify(given)];
  return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: "utf8" }));
}

test("more verifiers than there is memory for: some calls are out_of_memory, none is wrong, and later all answer", () => {
  const { made, codes, later } = within(
    24,
    `
    const made = [];
    const codes = new Set();
    for (let count = 0; count < 400; count += 1) {
      codes.add(codeOf(() => {
        const verifier = createVerifier({ ...options, jwks });
        made.push(verifier);
        return verifier.safeVerify(kinds[0].token).ok && verifier.safeVerify(kinds[1].forged).error.code;
      }));
    }
    const patiently = (verifier) => {
      const codes = [0, 1].map(() => codeOf(() => verifier.safeVerify(kinds[2].token).ok));
      return codes.includes(true) && codes.every((code) => code === true || code === "out_of_memory");
    };
    console.log(JSON.stringify({ made: made.length, codes: [...codes], later: made.filter(patiently).length }));`,
  );
  assert.deepEqual(codes.sort(), ["bad_signature", "out_of_memory"]);
  assert.ok(made > 300, `${made} verifiers were made`);
  assert.equal(later, made);
});

test("a key set that there is no memory for leaves the old keys in use", () => {
  const said = within(
    24,
    `
    const verifier = createVerifier({ ...options, jwks });
    const large = JSON.stringify({ keys: jwks, x: Array(300_000).fill(0) });
    const answers = () => kinds.map(({ token, forged }) => [verifier.safeVerify(token).ok, verifier.safeVerify(forged).ok]);
    const before = answers();
    const codes = [codeOf(() => verifier.setKeys(large)), codeOf(() => createVerifier({ ...options, jwks: large }))];
    console.log(JSON.stringify({ before, codes, after: answers(), keys: verifier.keys.length }));`,
  );
  const right = given.kinds.map(() => [true, false]);
  assert.deepEqual(said, {
    before: right,
    codes: ["out_of_memory", "out_of_memory"],
    after: right,
    keys: given.kinds.length,
  });
});

test("no memory for an instance at all is out_of_memory, too, and says what to do", () => {
  const { code, message } = within(
    2,
    `
    try { createVerifier({ ...options, jwks }); } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`,
  );
  assert.equal(code, "out_of_memory");
  assert.match(message, /nothing was decided.*try again/);
});

test("whatever stops the module in the middle, thousands of times, the next call is answered", async () => {
  const { createVerifier } = await import("tokenward");
  const { now, issuer, audience, kinds } = given;
  const verifier = createVerifier({ jwks: kinds.map(({ jwk }) => jwk), issuer, audience, now: () => now });
  const { encodeInto } = TextEncoder.prototype;
  const broken = new Error("stopped in the middle");
  try {
    for (let times = 0; times < 3000; times += 1) {
      TextEncoder.prototype.encodeInto = () => {
        throw broken;
      };
      assert.throws(() => verifier.verify(kinds[0].token), broken);
      TextEncoder.prototype.encodeInto = encodeInto;
      if (times % 100 === 0) assert.equal(verifier.safeVerify(kinds[times % kinds.length].token).ok, true);
    }
  } finally {
    TextEncoder.prototype.encodeInto = encodeInto;
  }
  assert.equal(verifier.safeVerify(kinds[0].token).ok, true);
  assert.equal(verifier.safeVerify(kinds[1].forged).ok, false);
});

test("replaced keys, refused keys and disposed verifiers leave no memory behind", async () => {
  const api = await import("tokenward");
  const { setKeys, refused, disposed } = memoryUse(api, given);
  assert.deepEqual({ setKeys, refused, disposed }, { setKeys: 0, refused: 0, disposed: 0 });
});
