import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigError, invalidOption, TokenError } from "./errors.js";
import { isStackOverflow } from "./stack.js";

/** What a schema's own function says of claims. */
export type Validate = (claims: Readonly<Record<string, unknown>>) => unknown;

/** Reads a schema once, so that what an app does to it later changes nothing; `undefined` for what is none. */
export function readSchema(schema: unknown): Validate | undefined {
  const standard = (schema as Partial<StandardSchemaV1> | null)?.["~standard"];
  const check: unknown = standard?.validate;
  return typeof check === "function" ? (claims) => Reflect.apply(check, standard, [claims]) : undefined;
}

/** The claims as the schema makes them; a {@link TokenError} if they do not fit it, a {@link ConfigError} if it is none. */
export function validate(check: Validate, claims: Readonly<Record<string, unknown>>): unknown {
  let outcome: { readonly value: unknown } | Error;
  try {
    outcome = outcomeOf(check(claims), claims);
  } catch (cause) {
    if (isStackOverflow(cause)) throw cause;
    outcome = new TokenError("invalid_claim", "the schema threw an error on the claims", {}, { cause });
  }
  if (outcome instanceof Error) throw outcome;
  return outcome.value;
}

/** What a schema said, fully read: none of the schema's own code runs afterwards. */
function outcomeOf(result: unknown, claims: Readonly<Record<string, unknown>>): { readonly value: unknown } | Error {
  if (typeof result === "object" && result !== null) {
    const { value, issues, then } = result as { value?: unknown; issues?: unknown; then?: unknown };
    if (typeof then === "function") {
      Promise.resolve(result).catch(() => {});
      const message = "the schema is asynchronous; verify is synchronous, so the schema must be too";
      return new ConfigError("async_schema", message, "schema");
    }
    if (issues !== undefined) return misfit(issues, claims);
    if ("value" in result) return { value };
  }
  const message = "the schema's validate should return { value } or { issues }, as Standard Schema says";
  return invalidOption(message, "schema");
}

/** The first issue, whatever a schema that is not quite one has put there. */
function misfit(issues: unknown, claims: Readonly<Record<string, unknown>>): TokenError {
  const [issue] = Array.isArray(issues) ? issues : [];
  const { message = "no reason given", path } = Object(issue) as { message?: unknown; path?: unknown };
  const [step] = Array.isArray(path) ? path : [];
  const name: unknown = typeof step === "object" ? Object(step).key : step;
  const said = `the claims do not fit the schema: ${String(message)}`;
  if (name === undefined) return new TokenError("invalid_claim", said);
  const claim = String(name);
  const actual = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return new TokenError("invalid_claim", said, { claim, actual });
}
