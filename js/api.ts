export type { StandardSchemaV1 } from "@standard-schema/spec";
export {
  ConfigError,
  type ConfigErrorCode,
  TokenError,
  type TokenErrorCode,
  type TokenErrorFacts,
} from "./errors.js";
export type { Algorithm, Jwks, VerifierOptions } from "./options.js";
export type {
  Claims,
  CreateVerifier,
  JoseHeader,
  Result,
  VerificationKey,
  Verified,
  Verifier,
} from "./verifier.js";
