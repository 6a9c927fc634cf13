// Bundled for a browser: `given` and `answer` are globals of the page.
import { createVerifier, TokenError } from "tokenward";

const { token, ...options } = globalThis.given;
const { verify, safeVerify } = createVerifier(options);
const refused = safeVerify(`${token}.`);
globalThis.answer = [verify(token).claims.sub, refused.error instanceof TokenError, refused.error.code];
