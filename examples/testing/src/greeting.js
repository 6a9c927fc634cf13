import { createVerifier, TokenError } from "tokenward";

/** What is under test: greets whoever a token is of. `options` are those of `createVerifier`. */
export function createGreeting(options) {
  const verifier = createVerifier(options);
  return (token) => {
    try {
      return `Hello ${verifier.verify(token).claims.sub}`;
    } catch (error) {
      if (!TokenError.is(error)) throw error;
      return error.code === "expired" ? "Please sign in again" : "Who are you?";
    }
  };
}
