// The provider's one page: who to be, how the access token is signed, and how long it lives. No passwords: it serves
// this machine only.

import { readFileSync } from "node:fs";

export const ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"];

export const LIFETIMES = [
  { seconds: 15 * 60, label: "15 minutes" },
  { seconds: 60, label: "1 minute" },
  { seconds: 24 * 60 * 60, label: "1 day" },
];

export const ACCOUNTS = new Map([
  ["ada", { name: "Ada Lovelace", role: "engineer" }],
  ["grace", { name: "Grace Hopper", role: "admiral" }],
]);

const HEADERS = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
};

export function sendLogin(response, { params }) {
  response.writeHead(200, { ...HEADERS, "content-type": "text/html; charset=utf-8" });
  response.end(page(params.client_id));
}

export function sendLoginStyle(response) {
  response.writeHead(200, { ...HEADERS, "content-type": "text/css; charset=utf-8" });
  response.end(readFileSync(new URL("./provider-login.css", import.meta.url)));
}

/** @returns {Promise<{ account: string, algorithm: string, lifetime: number } | undefined>} undefined: cancelled */
export async function readLogin(request) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > 4096) throw new Error("form too large");
  }
  const form = new URLSearchParams(body);
  if (form.get("action") === "cancel") return undefined;
  const account = form.get("account");
  const algorithm = form.get("algorithm");
  const lifetime = Number(form.get("lifetime"));
  const known =
    ACCOUNTS.has(account) && ALGORITHMS.includes(algorithm) && LIFETIMES.some((l) => l.seconds === lifetime);
  if (!known) throw new Error("not a choice of this page");
  return { account, algorithm, lifetime };
}

function page(clientId) {
  const accounts = [...ACCOUNTS].map(([id, { name, role }], index) => {
    const checked = index === 0 ? " checked" : "";
    return `<label class="person"><input type="radio" name="account" value="${id}"${checked}><span>${name}<small>${role}</small></span></label>`;
  });
  const algorithms = ALGORITHMS.map((alg) => `<option>${alg}</option>`);
  const lifetimes = LIFETIMES.map(({ seconds, label }) => `<option value="${seconds}">${label}</option>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Sign in · local OpenID provider</title>
<link rel="stylesheet" href="/login.css">
<main>
  <p class="where">Local OpenID provider</p>
  <h1>Sign in</h1>
  <p><b>${escapeHtml(clientId)}</b> asks who you are. This provider runs on your own machine, keeps everything in memory and needs no password.</p>
  <form method="post">
    <fieldset><legend>Be</legend>${accounts.join("")}</fieldset>
    <div class="pair">
      <label>Signed with<select name="algorithm">${algorithms.join("")}</select></label>
      <label>Lives for<select name="lifetime">${lifetimes.join("")}</select></label>
    </div>
    <div class="actions">
      <button name="action" value="sign-in">Sign in</button>
      <button name="action" value="cancel" class="quiet">Cancel</button>
    </div>
  </form>
</main>
</html>
`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
