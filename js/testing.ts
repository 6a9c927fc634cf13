/** `tokenward/testing`: an issuer in memory, for the tests of apps and servers. */
import { checkNames } from "./check-options.js";
import { timeLimit } from "./duration.js";
import { ConfigError } from "./errors.js";
import { type IssuerSettings, MemoryIssuer } from "./testing/issuer.js";
import { isAlgorithm } from "./testing/signing.js";
import type { TestIssuer, TestIssuerOptions } from "./testing/types.js";

export type { Duration } from "./duration.js";
export type { Algorithm } from "./options.js";
export type { TokenSet } from "./providers.js";
export type { Session, SessionOptions } from "./session.js";
export {
  FLAWS,
  type Flaw,
  type TestClaims,
  type TestClock,
  type TestIssuer,
  type TestIssuerOptions,
  type TestSessionOptions,
  type TestTokenOptions,
} from "./testing/types.js";

const OPTIONS: readonly (keyof TestIssuerOptions)[] = ["issuer", "audience", "algorithms", "lifetime", "now"];

/**
 * Makes an issuer in memory, with fresh keys. Throws a {@link ConfigError} for options that cannot work, and for an algorithm
 * that this runtime's WebCrypto has not.
 *
 * ```ts
 * const issuer = await createTestIssuer();
 * createVerifier(issuer.options).verify(await issuer.token({ sub: "ada", scope: "notes:read" }));
 * ```
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = new MemoryIssuer(settingsOf(options));
  await issuer.rotate();
  return issuer;
}

function settingsOf(options: TestIssuerOptions): IssuerSettings {
  const {
    issuer = "https://issuer.test",
    audience = "app",
    algorithms = ["ES256"],
    lifetime = "15m",
    now = Math.floor(Date.now() / 1000),
  } = checkNames(options, "createTestIssuer", OPTIONS);
  if (!isAddress(issuer)) throw invalid("issuer", "an absolute URL");
  if (typeof audience !== "string") throw invalid("audience", "a text");
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(isAlgorithm)) {
    throw invalid("algorithms", "an array of one or more names of algorithms");
  }
  if (!Number.isFinite(now)) throw invalid("now", "a finite number of Unix seconds");
  return { issuer, audience, algorithms, lifetime: timeLimit(lifetime, "lifetime"), now };
}

/** `URL.canParse` is missing in some test environments. */
function isAddress(text: string): boolean {
  try {
    return new URL(text).href !== "";
  } catch {
    return false;
  }
}

function invalid(option: string, expected: string): ConfigError {
  return new ConfigError("invalid_option", `the option "${option}" should be ${expected}`, option);
}
