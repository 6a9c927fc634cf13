// A token and keys that this page itself has made, for a description or an example. The token may name any issuer: the verdict
// says who has signed it for as long as these keys are there, and not only until a rule is changed or the page is loaded again.

/** For the page's state. What tells a key from all others is enough of it. */
export const madeOf = (token, jwks) => ({ token, keys: jwks.keys.map(({ x, n, pub }) => x ?? n ?? pub) });

/** Whether a signature that fits may be that of a key that this page has made. */
export const hasMadeKeys = ({ made, jwks }) => made?.keys.some((key) => jwks.includes(key)) ?? false;

export const isMadeToken = ({ made, token }) => made?.token === token;
