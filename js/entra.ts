import { checkOptions } from "./check-options.js";
import { type IssuerTemplate, issuerTemplate } from "./options.js";

/** Which tenants of Microsoft Entra ID are let in. */
export interface EntraIssuerOptions {
  /**
   * Their ids (GUIDs, in any letter case), at least one; or `"any"`: whoever has an account with Microsoft, of any company or of
   * none. Then the app itself must look at `tid` before it gives anything away.
   */
  tenants: readonly string[] | "any";
  /** Which of Microsoft's clouds. Default: `"global"`. */
  cloud?: "global" | "us-government" | "china" | undefined;
}

const HOSTS: Readonly<Record<string, string>> = {
  global: "login.microsoftonline.com",
  "us-government": "login.microsoftonline.us",
  china: "login.partner.microsoftonline.cn",
};

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * For the option `issuer`: Microsoft Entra ID, whose tenants each have an issuer identifier of their own,
 * `https://login.microsoftonline.com/{tenantid}/v2.0`. A token's `iss` must be that of one of these tenants, its `tid` the same
 * tenant, and a key that names another `issuer` is not used. Tokens of version 2.0 only: an API's manifest needs
 * `requestedAccessTokenVersion: 2`.
 *
 * ```ts
 * createVerifier({ jwks, issuer: entraIssuer({ tenants: ["8f2b9c1e-…"] }), audience: "my-api" });
 * ```
 */
export function entraIssuer(given: EntraIssuerOptions): IssuerTemplate {
  const { tenants, cloud = "global" } = checkOptions<EntraIssuerOptions>(
    given,
    "entraIssuer",
    {
      tenants: [
        areTenants,
        'an array of tenants\' ids (GUIDs, not names such as "common"), or "any" for all there are',
      ],
      cloud: [(value) => Object.hasOwn(HOSTS, String(value)), '"global", "us-government" or "china"'],
    },
    ["tenants"],
  );
  const template = `https://${HOSTS[cloud]}/{tenantid}/v2.0`;
  if (tenants === "any") return issuerTemplate(template, null);
  const issuers = new Set(tenants.map((tenant) => template.replace("{tenantid}", tenant.toLowerCase())));
  return issuerTemplate(template, [...issuers]);
}

function areTenants(value: unknown): boolean {
  if (value === "any") return true;
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((tenant) => typeof tenant === "string" && GUID.test(tenant.toLowerCase()))
  );
}
