import { defineEventHandler, getRouterParam } from "h3";

export default defineEventHandler((event) => ({ report: getRouterParam(event, "id") }));
