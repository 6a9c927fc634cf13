// The answer in one line, and why in the next.

import { sentence } from "./checks.js";
import { byId, make, update } from "./dom.js";
import { duration, isTime } from "./time.js";

export const SIGNS = { empty: "waiting", setup: "waiting", verified: "holds", genuine: "genuine", refused: "refused" };

/** @returns {{ title: string, why: string, code?: string }} */
export function wordsFor({ kind, value, error }, now) {
  if (kind === "empty") return { title: "Waiting for a token", why: "Paste one, or start from a sample." };
  if (kind === "setup") return { title: "No answer yet", why: sentence(error.message), code: error.code };
  if (kind === "verified") return { title: "It holds", why: whyItHolds(value, now) };
  const { code, actual } = error;
  if (code === "expired") {
    return { title: "Genuine, but expired", why: `Its time ended ${duration(now - actual)} ago.`, code };
  }
  if (code === "not_yet_valid") {
    return { title: "Genuine, but not yet valid", why: `Its time begins in ${duration(actual - now)}.`, code };
  }
  if (code === "too_old") {
    return { title: "Genuine, but too old", why: `It was issued ${duration(actual)} ago.`, code };
  }
  if (code === "bad_signature") return { title: "Not genuine", why: sentence(error.message), code };
  const title = kind === "genuine" ? "Genuine, but not accepted" : "Refused";
  return { title, why: sentence(error.message), code };
}

/** `made`: the token is of this page's own making, and says nothing of anybody's keys. */
export function drawVerdict(answer, now, made) {
  const { title, why, code } = wordsFor(answer, now);
  byId("verdict").dataset.kind = answer.kind;
  byId("verdict-sign").setAttribute("href", `#${SIGNS[answer.kind]}`);
  update(byId("verdict-title"), title);
  update(byId("verdict-why"), ...(code ? [make("code.code-chip", {}, code), " "] : []), why);
  update(
    byId("verdict-foot"),
    ...(made ? [make("b", {}, "Made in this page, for trying: "), "no issuer has signed it. "] : []),
    foot(answer),
  );
  return { title, why, code };
}

function whyItHolds({ claims, header, key }, now) {
  const by = key.kid === undefined ? "the key of the set" : `the key ${key.kid}`;
  const left = isTime(claims.exp) ? `, for ${duration(claims.exp - now)} more` : "";
  return `Signed with ${header.alg} by ${by}${left}.`;
}

function foot({ kind, took }) {
  if (took === undefined) return "";
  const spent = took < 0.1 ? "under 0.1 ms" : `${took.toFixed(1)} ms`;
  const trust = {
    verified: "Signature and content checked",
    genuine: "The signature fits, the content was not accepted",
    refused: "Nothing it says can be relied on",
  };
  return `${trust[kind]} · decided in this page in ${spent}`;
}
