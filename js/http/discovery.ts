import {
  type AuthorizationServer,
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from "../providers/oauth4webapi.js";
import { quoted } from "../quoted.js";
import { isLoopback } from "./client.js";

/** How metadata are fetched, and what is thrown of those that cannot be used. */
export interface Discovering {
  /** The text of an answer with status 200. */
  get(url: URL, headers: Headers): Promise<string>;
  /** Whether `get` threw because there is nothing at that address. */
  isMissing(error: unknown): boolean;
  otherIssuer(message: string): Error;
  invalid(message: string, cause: unknown): Error;
}

/** An issuer's metadata: those of OpenID Connect Discovery 1.0 first, then those of OAuth 2.0 alone (RFC 8414). */
export async function discover(issuer: string, how: Discovering): Promise<AuthorizationServer> {
  try {
    return await metadataOf(issuer, "oidc", how);
  } catch (error) {
    if (!how.isMissing(error)) throw error;
    return metadataOf(issuer, "oauth2", how);
  }
}

async function metadataOf(
  issuer: string,
  algorithm: "oidc" | "oauth2",
  how: Discovering,
): Promise<AuthorizationServer> {
  const identifier = new URL(issuer);
  const response = await discoveryRequest(identifier, {
    algorithm,
    [allowInsecureRequests]: isLoopback(identifier),
    [customFetch]: async (address, { headers }) => {
      const text = await how.get(new URL(address), new Headers(headers));
      // The library compares as URLs; the specifications say: character by character.
      const named = issuerIn(text);
      if (named !== undefined && named !== issuer) throw how.otherIssuer(otherIssuer(named, issuer));
      return new Response(text, { headers: { "Content-Type": "application/json" } });
    },
  });
  return processDiscoveryResponse(identifier, response).catch((cause: unknown) => {
    throw how.invalid(`what ${issuer} answered is not its metadata`, cause);
  });
}

/**
 * What to say of metadata that name another issuer than the one they were asked from (OpenID Connect Discovery 1.0 section
 * 4.3, RFC 8414 section 3.3).
 */
function otherIssuer(named: string, asked: string): string {
  const remedy = "they must be equal character by character, so if both are your provider's, configure the first";
  return `the metadata name the issuer ${quoted(named)}, but were fetched for ${quoted(asked)}: ${remedy}`;
}

/** The issuer that the metadata name, if they name one. */
function issuerIn(text: string): string | undefined {
  try {
    const { issuer } = Object.assign(Object.create(null), JSON.parse(text)) as { issuer?: unknown };
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined;
  }
}
