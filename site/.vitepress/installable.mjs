// Makes the built site an app that can be installed and works offline: a manifest, icons, and a service worker that knows every
// file of this version.
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const site = fileURLToPath(new URL("..", import.meta.url));
const ICONS = ["icon.svg", "icon-192.png", "icon-512.png", "icon-maskable-512.png"];
/** The alphabets that no page uses; a browser asks for a font when it needs it. */
const OTHER_ALPHABETS = /\/inter-\w+-(?!latin\.)[\w-]+\.[\w-]+\.woff2$/;

export function writeInstallable({ outDir }) {
  for (const icon of ICONS) cpSync(join(site, "../www/icons", icon), join(outDir, "icons", icon));
  cpSync(join(site, "manifest.webmanifest"), join(outDir, "manifest.webmanifest"));
  const files = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(outDir, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/"))
    .filter((file) => !OTHER_ALPHABETS.test(file))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(join(outDir, file)));
  const worker = readFileSync(join(site, "worker.js"), "utf8")
    .replace("__FILES__", JSON.stringify(files))
    .replace("__VERSION__", JSON.stringify(hash.digest("hex").slice(0, 16)));
  writeFileSync(join(outDir, "sw.js"), worker);
}
