import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigError, TokenError } from "./errors.js";
import { isStackOverflow } from "./stack.js";

/** What a schema said, fully read: none of the schema's own code runs afterwards. */
type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "issue"; readonly message: string; readonly claim: string | undefined }
  | { readonly kind: "promise" }
  | { readonly kind: "nothing" };

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
  let outcome: Outcome;
  try {
    outcome = outcomeOf(check(claims));
  } catch (cause) {
    if (isStackOverflow(cause)) throw cause;
    throw new TokenError("invalid_claim", "the schema threw an error on the claims", {}, { cause });
  }
  switch (outcome.kind) {
    case "value":
      return outcome.value;
    case "issue": {
      const { message, claim } = outcome;
      const actual = claim !== undefined && Object.hasOwn(claims, claim) ? claims[claim] : undefined;
      const facts = claim === undefined ? {} : { claim, actual };
      throw new TokenError("invalid_claim", `the claims do not fit the schema: ${message}`, facts);
    }
    case "promise": {
      const message = "the schema is asynchronous; verify is synchronous, so the schema must be too";
      throw new ConfigError("async_schema", message, "schema");
    }
    default: {
      const message = "the schema's validate should return { value } or { issues }, as Standard Schema says";
      throw new ConfigError("invalid_option", message, "schema");
    }
  }
}

function outcomeOf(result: unknown): Outcome {
  if (typeof result !== "object" || result === null) return { kind: "nothing" };
  const { value, issues, then } = result as { value?: unknown; issues?: unknown; then?: unknown };
  if (typeof then === "function") {
    Promise.resolve(result).catch(() => {});
    return { kind: "promise" };
  }
  if (issues !== undefined) return { kind: "issue", ...firstOf(issues) };
  return "value" in result ? { kind: "value", value } : { kind: "nothing" };
}

/** The first issue, whatever a schema that is not quite one has put there. */
function firstOf(issues: unknown): { message: string; claim: string | undefined } {
  const [issue] = Array.isArray(issues) ? issues : [];
  const { message = "no reason given", path } = Object(issue) as { message?: unknown; path?: unknown };
  const [step] = Array.isArray(path) ? path : [];
  const name: unknown = typeof step === "object" ? Object(step).key : step;
  return { message: String(message), claim: name === undefined ? undefined : String(name) };
}
