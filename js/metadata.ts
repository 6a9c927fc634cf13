import { quoted } from "./quoted.js";

/**
 * What to say of metadata that name another issuer than the one they were asked from (OpenID Connect Discovery 1.0 section
 * 4.3, RFC 8414 section 3.3).
 */
export function otherIssuer(named: string, asked: string): string {
  const remedy = "they must be equal character by character, so if both are your provider's, configure the first";
  return `the metadata name the issuer ${quoted(named)}, but were fetched for ${quoted(asked)}: ${remedy}`;
}

/** The issuer that the metadata name, if they name one. */
export function issuerOf(metadata: unknown): string | undefined {
  const { issuer } = Object.assign(Object.create(null), metadata) as { issuer?: unknown };
  return typeof issuer === "string" ? issuer : undefined;
}
