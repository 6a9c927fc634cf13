/** `tokenward/session`: who is signed in on this device, what that person may do now, and how that stays true. */

import { checkNames } from "./check-options.js";
import { ConfigError } from "./errors.js";
import { createPolicy } from "./policy.js";
import { SessionController } from "./session/controller.js";
import type { Session, SessionOptions } from "./session/types.js";

export { ProtectionError, type ProtectionErrorCode, SessionError, type SessionErrorCode } from "./errors.js";
export type { Channel, Environment } from "./platform/environment.js";
export { deviceProtection, noProtection, type Protection } from "./protection.js";
export type { TokenProvider, TokenSet } from "./providers.js";
export type { AccessRequest, Refusal } from "./rights.js";
export type { EndCause } from "./session/record.js";
export type {
  AccessAnswer,
  RefreshOutcome,
  Session,
  SessionOptions,
  SessionReason,
  SessionState,
  SessionStatus,
} from "./session/types.js";

const OPTIONS: readonly (keyof SessionOptions)[] = [
  "verifier",
  "provider",
  "policy",
  "token",
  "storage",
  "protection",
  "name",
  "environment",
];

/** Makes a session; `start()` it next. Throws a `ConfigError` for options that cannot work. */
export function createSession(options: SessionOptions): Session {
  const own = checkNames(options, "createSession", OPTIONS);
  const { verifier, provider, policy, token = "access_token", name = "default" } = own;
  if (typeof verifier?.assess !== "function") {
    throw new ConfigError("missing_option", 'the option "verifier" should be a verifier or a key store', "verifier");
  }
  if (provider !== null && typeof provider?.refresh !== "function") {
    const how = "made with tokenward/providers, or null for a session that is not refreshed";
    throw new ConfigError("missing_option", `the option "provider" should be ${how}`, "provider");
  }
  if (token !== "access_token" && token !== "id_token") {
    throw new ConfigError("invalid_option", 'the option "token" should be "access_token" or "id_token"', "token");
  }
  const parts = { storage: ["get", "set", "delete"], protection: ["seal", "open", "forget"] } as const;
  for (const [option, methods] of Object.entries(parts)) {
    const part = own[option as keyof typeof parts] as Record<string, unknown> | undefined;
    if (part === undefined || methods.every((method) => typeof Object(part)[method] === "function")) continue;
    throw new ConfigError("invalid_option", `the option "${option}" should have ${methods.join(", ")}`, option);
  }
  if (typeof name !== "string" || !/^[\w-]{1,64}$/.test(name)) {
    const form = "1 to 64 letters, digits, - and _";
    throw new ConfigError("invalid_option", `the option "name" should be ${form}`, "name");
  }
  return new SessionController({ ...own, policy: createPolicy(policy), token, name });
}
