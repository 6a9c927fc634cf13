export type { StandardSchemaV1 } from "@standard-schema/spec";
export type { Duration } from "./duration.js";
export { type EntraIssuerOptions, entraIssuer } from "./entra.js";
export {
  ConfigError,
  type ConfigErrorCode,
  TokenError,
  type TokenErrorCode,
  type TokenErrorFacts,
} from "./errors.js";
export {
  type Algorithm,
  type IssuerTemplate,
  type Jwks,
  type OneOf,
  oneOf,
  type Profile,
  type RightsOptions,
  type VerifierOptions,
} from "./options.js";
export {
  type Access,
  type AccessReason,
  type ClockMarks,
  createPolicy,
  type Decision,
  type LimitedRights,
  type Policy,
  type PolicyOptions,
} from "./policy.js";
export type { IdTokenExpectations } from "./profile.js";
export type {
  AccessTokenClaims,
  Assessment,
  Claims,
  CreateVerifier,
  HeldRights,
  IdTokenClaims,
  JoseHeader,
  Result,
  SetKeysOptions,
  Validity,
  VerificationKey,
  Verified,
  Verifier,
} from "./verifier.js";
