// Draws the PNG icons from icon.svg, in Chromium. `node www/icons/render.mjs`

import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { browsers } from "../../tools/browsers.mjs";

const SIZES = [
  { file: "icon-192.png", size: 192 },
  { file: "icon-512.png", size: 512 },
  // Maskable: the ground reaches the edges, the mark stays within the middle 80%.
  { file: "icon-maskable-512.png", size: 512, maskable: true },
];

const svg = readFileSync(new URL("./icon.svg", import.meta.url), "utf8");
const browser = await chromium.launch({
  executablePath: (await browsers()).chromium,
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const { file, size, maskable } of SIZES) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const drawn = maskable ? svg.replace('rx="8" ', "") : svg;
  await page.setContent(`<style>html,body{margin:0}svg{display:block;width:${size}px}</style>${drawn}`);
  writeFileSync(new URL(`./${file}`, import.meta.url), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
