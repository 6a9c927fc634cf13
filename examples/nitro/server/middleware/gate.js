// Before every route.
import { defineEventHandler, getRequestHeader, sendWebResponse } from "h3";
import { gate, keys } from "../utils/gate.js";

/** Yours: what a client names as host says nothing. */
const ORIGIN = "https://api.example";

export default defineEventHandler(async (event) => {
  const { method, path } = event;
  // Beside the request, and only when it is time.
  event.waitUntil(keys.refreshIfDue().catch(({ message }) => console.warn(message)));
  // The text that routes go by, as it came.
  const headers = { get: (name) => getRequestHeader(event, name) ?? null };
  const { decision, response } = await gate.admit({ url: ORIGIN + path, method, headers }, event.waitUntil);
  if (response !== undefined) return sendWebResponse(event, response);
  event.context.gate = decision;
});
