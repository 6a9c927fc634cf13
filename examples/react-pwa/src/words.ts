import type { SessionState } from "tokenward/session";
import { issuer } from "./auth.js";

const CLOCK = "This device's clock seems wrong. Set it right and connect.";

/** What to tell a person about each reason. */
const REASONS: { [reason in SessionState["reason"]]: string } = {
  valid: "You can read and write until {time}.",
  grace: "You can read until {time}. Connect to write again.",
  expired: "Connect to go on: too much time has passed without a network.",
  check_in_required: "Connect to go on: too much time has passed without a network.",
  clock_rolled_back: CLOCK,
  not_yet_valid: CLOCK,
  signed_out: "You are not signed in.",
  locked: "Unlock the app first.",
  invalid_token: "Your sign-in is not accepted any more. Connect, or sign in again.",
};

/** Why nobody is signed in any more, where it was not by a click on "Sign out". */
const ENDS: { [ended: string]: string } = {
  rejected: "Your sign-in has ended. Please sign in again.",
  interrupted: "Your sign-in was interrupted. Please sign in again.",
  user_changed: "Another person is signed in at the provider. Please sign in again.",
  evicted: "The browser has deleted what this app had stored. Please sign in again.",
  clock_changed: "The device's clock was changed. Please sign in again.",
};

/** The session in a sentence. */
export function explain({ status, reason, until, ended }: SessionState): string {
  if (status === "starting") return "";
  if (status === "signed_out") return ENDS[ended ?? ""] ?? REASONS.signed_out;
  return REASONS[reason].replace("{time}", until === null ? "further notice" : new Date(until * 1000).toLocaleString());
}

/** What went wrong, for a person. A request that got no answer is a `TypeError` in every browser. */
export function problem(error: unknown): string {
  if (!(error instanceof TypeError)) return error instanceof Error ? `${error.message}.` : String(error);
  if (!navigator.onLine) return "There is no network.";
  return `${new URL(issuer).host} or this app's server cannot be reached, or it does not allow ${location.origin} (CORS).`;
}
