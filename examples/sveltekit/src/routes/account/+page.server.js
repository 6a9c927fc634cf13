export const load = ({ locals }) => ({ sub: locals.gate.claims.sub });
