// What the blocks in the docs use without importing it.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Jwks, VerifierOptions } from "tokenward";

declare global {
  const token: string;
  /** Unix seconds. */
  const now: number;
  const jwks: Jwks;
  const newJwks: Jwks;
  const schema: StandardSchemaV1<unknown, { sub: string }>;
  const optionsOfIssuerA: VerifierOptions<undefined>;
  const optionsOfIssuerB: VerifierOptions<undefined>;
}
