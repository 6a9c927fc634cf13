// Debian's packages: installed where we may (root on Debian), otherwise named, so that a person can.
import { existsSync, readFileSync } from "node:fs";
import { Failure, run, step } from "./run.mjs";

/** Installs packages, or throws a `Failure` that says which command would. `purpose` completes "… are needed for". */
export async function installDebian(packages, purpose) {
  const command = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (!isDebian()) {
    throw new Failure(`${purpose} needs what Debian calls ${packages.join(", ")}: install the same for this system.`);
  }
  if (process.getuid?.() !== 0)
    throw new Failure(`${purpose} needs packages that are not installed. Run:\n  sudo ${command}`);
  const apt = (...args) => run("apt-get", ["-q", "-y", "-o", "DPkg::Lock::Timeout=600", ...args], { env: UNATTENDED });
  await step(`${purpose}: ${command}`, async () => {
    await apt("update");
    await apt("install", "--no-install-recommends", ...packages);
  });
}

export function isDebian() {
  return existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get");
}

/** Whether Debian's release is at least this one; testing and unstable count as newer. */
export function debianRelease() {
  const version = readFileSync("/etc/debian_version", "utf8").trim();
  return Number.parseInt(version, 10) || Infinity;
}

const UNATTENDED = { DEBIAN_FRONTEND: "noninteractive" };
