// Whose tokens are taken, for what, and where. `npm run keys` fetches the keys that the worker starts with.
import partners from "./keys/partners.json" with { type: "json" };
import staff from "./keys/staff.json" with { type: "json" };

export const ISSUERS = [
  {
    issuer: "https://login.example",
    audience: "https://api.example",
    bundled: staff,
    rules: [{ match: "/staff/admin/*", needs: { role: "admin" } }, { match: "/staff/*" }],
  },
  {
    issuer: "https://partners.example",
    audience: "https://api.example",
    bundled: partners,
    rules: [{ match: "/orders/*", needs: { scope: "orders:read" } }],
  },
];
