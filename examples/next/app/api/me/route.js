import { guarded } from "../../../gate.js";

// A proxy alone is not enough: Next has called handlers past it before (CVE-2025-29927).
export const GET = guarded(({ claims }) => Response.json({ sub: claims.sub }));
