// What is slow to make is kept in generated/, which is not part of the repository.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("generated/", import.meta.url));

/** A JSON value: the one kept in a file, if it was made from the same recipe, or else a new one. */
export function kept(file, recipe, make) {
  return read(file, digest(recipe)) ?? write(file, digest(recipe), make());
}

/** The same where making takes a promise. */
export async function keptAsync(file, recipe, make) {
  return read(file, digest(recipe)) ?? write(file, digest(recipe), await make());
}

function digest(recipe) {
  return createHash("sha256").update(recipe).digest("hex");
}

function read(file, recipe) {
  try {
    const content = JSON.parse(readFileSync(folder + file, "utf8"));
    return content.recipe === recipe ? content.value : undefined;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Put in place at once, so that another process never reads half of it. */
function write(file, recipe, value) {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ recipe, value });
  writeFileSync(`${folder}${file}.${process.pid}`, text);
  renameSync(`${folder}${file}.${process.pid}`, folder + file);
  return JSON.parse(text).value;
}
