/** `CHROMIUM`: a browser that is there already, in place of Playwright's own (`npx playwright install chromium`). */
const executablePath = process.env.CHROMIUM;

export default {
  testDir: "playwright",
  use: { launchOptions: executablePath ? { executablePath, args: ["--no-sandbox"] } : {} },
};
