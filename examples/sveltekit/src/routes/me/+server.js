import { json } from "@sveltejs/kit";

export const GET = ({ locals }) => json({ sub: locals.gate.claims.sub });
