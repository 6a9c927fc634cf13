// What the tests drive in a browser.

import { fusionAuthProvider, oauthProvider } from "tokenward/providers";

const makers = { oauthProvider, fusionAuthProvider };

/** The answer of a call, or what the error says, as plain values. */
globalThis.call = async (maker, options, method, tokens) => {
  try {
    const provider = makers[maker](options);
    return { tokens: await provider[method](tokens, { signal: new AbortController().signal }) };
  } catch ({ name, code, sent, status }) {
    return { name, code, sent, status };
  }
};
