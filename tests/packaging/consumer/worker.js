// An edge worker, bundled with the `workerd` condition.
import { createVerifier } from "tokenward";

export default { fetch: () => new Response(typeof createVerifier) };
