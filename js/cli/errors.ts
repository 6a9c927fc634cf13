import type { ConfigError, KeyStoreError, TokenError } from "../errors.js";

/** A command cannot work as it was called: an argument, or a file that cannot be read. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "usage";
}

/** An error of ours as JSON says it. */
export function errorFacts(error: Error): { readonly [member: string]: unknown } {
  const { code, claim, expected, actual } = error as Partial<TokenError>;
  const { option } = error as Partial<ConfigError>;
  const { status } = error as Partial<KeyStoreError>;
  return { name: error.name, code, message: error.message, claim, expected, actual, option, status };
}
