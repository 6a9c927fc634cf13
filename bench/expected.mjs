/** What every verifier is told to expect. */
export const ISSUER = "https://login.example";
export const AUDIENCE = "app";
