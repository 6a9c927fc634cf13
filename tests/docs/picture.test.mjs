// The picture of three days in airplane mode shows what the package answers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { picture, spans } from "../../tools/picture.mjs";

it("docs/airplane.svg is what npm run picture makes of the package's own answers", async () => {
  const found = await spans();
  assert.deepEqual(
    found.map(({ access }) => access),
    ["full", "limited", "none"],
  );
  assert.equal(readFileSync(new URL("../../docs/airplane.svg", import.meta.url), "utf8"), picture(found));
});
