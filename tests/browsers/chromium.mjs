// Chromium by Playwright, for the tests that need what only it can do.

import { chromium } from "playwright-core";
import { browsers } from "../../tools/browsers.mjs";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openChromium(more = []) {
  const { chromium: executablePath } = await browsers();
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
}
