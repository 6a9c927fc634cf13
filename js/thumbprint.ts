/** SHA-256 as JOSE writes it, and the thumbprint of a key (RFC 7638). */
import { identity, type JwkMembers } from "./keys/jwks.js";

/** The base64url of the SHA-256 of a text's UTF-8. */
export async function sha256(text: string): Promise<string> {
  return base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** RFC 7638 section 3: of the members that a key of its type needs, as they are written. */
export function thumbprint(key: JwkMembers): Promise<string> {
  return sha256(identity(key));
}

/** Without padding (RFC 4648 section 5). */
export function base64url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
}
