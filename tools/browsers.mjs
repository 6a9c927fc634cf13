// The browsers that the tests drive. A browser that is absent is installed or is an error, never a silent pass.
//
//   node tools/browsers.mjs      installs what is missing and prints the paths
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { installDebian } from "./debian.mjs";
import { Failure, main, which } from "./run.mjs";

// Each program: the variable that overrides its path, where it is looked for, the Debian package that has it.
const PROGRAMS = {
  chromium: {
    variable: "CHROMIUM_PATH",
    find: () =>
      firstOf(
        ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
        ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
      ),
    packages: ["chromium"],
  },
  firefox: {
    variable: "FIREFOX_PATH",
    find: () => firstOf(["firefox-esr", "firefox"], ["/Applications/Firefox.app/Contents/MacOS/firefox"]),
    packages: ["firefox-esr"],
  },
  webkitDriver: {
    variable: "WEBKIT_DRIVER_PATH",
    find: () => firstOf(["WebKitWebDriver"], []),
    packages: ["webkit2gtk-driver"],
  },
  miniBrowser: { variable: "MINIBROWSER_PATH", find: findMiniBrowser, packages: ["webkit2gtk-driver"] },
  xvfbRun: { variable: "XVFB_RUN_PATH", find: () => which("xauth") && which("xvfb-run"), packages: ["xvfb", "xauth"] },
};

/** The path of each program: `{ chromium, firefox, webkitDriver, miniBrowser, xvfbRun }`. */
export async function browsers() {
  const missing = Object.keys(PROGRAMS).filter((name) => !locate(name));
  if (missing.length > 0) {
    const packages = new Set(missing.flatMap((name) => PROGRAMS[name].packages));
    await installDebian([...packages], "Testing in browsers");
  }
  return Object.fromEntries(Object.keys(PROGRAMS).map((name) => [name, locate(name) ?? absent(name)]));
}

function locate(name) {
  const { variable, find } = PROGRAMS[name];
  const chosen = process.env[variable];
  if (chosen && !existsSync(chosen)) throw new Failure(`${variable} is ${chosen}, which does not exist.`);
  return chosen || find();
}

function absent(name) {
  const { variable, packages } = PROGRAMS[name];
  throw new Failure(`${packages.join(" and ")} installed, but ${name} was not found. Set ${variable} to its path.`);
}

function firstOf(names, paths) {
  return names.map(which).find(Boolean) ?? paths.find(existsSync);
}

/** Debian keeps it in /usr/lib/<machine>/webkit2gtk-4.1/, others in /usr/libexec/webkit2gtk-4.1/. */
function findMiniBrowser() {
  const inside = (folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []);
  const folders = ["/usr/lib", "/usr/libexec", "/usr/lib64"].flatMap(inside);
  const webkits = [...folders, ...folders.filter((path) => path.endsWith("-linux-gnu")).flatMap(inside)]
    .filter((path) => /\/webkit2?gtk-[\d.]+$/.test(path))
    .sort()
    .reverse();
  return webkits.map((folder) => join(folder, "MiniBrowser")).find(existsSync);
}

main(import.meta.url, async () => console.log(await browsers()));
