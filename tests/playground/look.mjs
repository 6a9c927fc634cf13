// What a person sees of the playground, in Chromium.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A new page, and `look`: what it shows, and what it complained of on its console. */
export async function pageOf(context) {
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  const look = {
    complaints,
    kind: () => page.getAttribute("#verdict", "data-kind"),
    text: async (selector) => ((await page.textContent(selector)) ?? "").trim(),
    failedCheck: () =>
      page.evaluate(() => {
        const line = document.querySelector(".check.failed");
        if (!line) return undefined;
        const words = (selector) => line.querySelector(selector)?.lastChild.textContent;
        return { name: words(".check-name"), code: words(".code-chip") };
      }),
  };
  return { page, look };
}

/** For people to look at; the folder is not part of the repository. */
export async function picture(page, name, options) {
  const folder = fileURLToPath(new URL("./screenshots/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}.png`, ...options });
}
