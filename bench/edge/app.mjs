// The same worker three times, but for who verifies: a route for all, and one for who has a token. Time is quickened: keys are
// fetched anew after two seconds where it would be minutes or hours.
import { Hono } from "hono";

export const ISSUER = "https://login.example";
export const AUDIENCE = "https://api.example";
/** In seconds. */
export const REFRESH_EVERY = 2;
export const COOLDOWN = 1;
export const TIMEOUT = 2;

/** `guard` puts the subject of a good token into `context.var.sub`. */
export function guardedBy(guard) {
  return (
    new Hono()
      // As Hono does by itself, but without a line in the log for each.
      .onError((error, context) => error.getResponse?.() ?? context.json({}, 500))
      .get("/open", (context) => context.json({ sub: null }))
      .use(guard)
      .get("/api", (context) => context.json({ sub: context.get("sub") }))
  );
}

/** Of what is made with the first request, which brings the environment. */
export function once(make) {
  let made;
  return (environment) => {
    made ??= make(environment);
    return made;
  };
}
