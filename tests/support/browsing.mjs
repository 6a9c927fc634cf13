// A person at oidc-provider's own pages, without a browser: cookies, redirects, forms.
import assert from "node:assert/strict";

/** Follows the address of a sign-in to the app that wants it: signs in under a name, and agrees to what is asked. */
export async function signIn(address, name) {
  const cookies = new Map();
  let next = { url: new URL(address) };
  for (let step = 0; step < 20; step += 1) {
    const { url, form } = next;
    const headers = { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") };
    const response = await fetch(url, { headers, redirect: "manual", ...(form && { method: "POST", body: form }) });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value === "") cookies.delete(key);
      else cookies.set(key, value);
    }
    const location = response.headers.get("location");
    const text = await response.text();
    if (location !== null) next = { url: new URL(location, url) };
    // Back in the app.
    else if (url.origin !== new URL(address).origin) return;
    else next = { url: actionOf(text, url), form: filled(text, name) };
  }
  assert.fail("the sign-in does not come to an end");
}

function actionOf(text, url) {
  const [, action] = /<form[^>]* action="([^"]+)"/.exec(text) ?? assert.fail(`there is no form:\n${text}`);
  return new URL(action, url);
}

function filled(text, name) {
  const form = new URLSearchParams();
  for (const [input] of text.matchAll(/<input[^>]*>/g)) {
    const attribute = (key) => new RegExp(`\\b${key}="([^"]*)"`).exec(input)?.[1];
    const value = { login: name, password: "any" }[attribute("name")] ?? attribute("value") ?? "";
    if (attribute("name") !== undefined) form.set(attribute("name"), value);
  }
  return form;
}
