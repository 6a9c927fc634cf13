import { defineEventHandler } from "h3";

export default defineEventHandler(({ context }) => ({ sub: context.gate.claims.sub }));
