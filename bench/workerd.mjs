// In workerd, bundled: a job as the body of a request, its answer as the response. Its clock runs also while it computes,
// unlike Cloudflare's.
import { compare } from "./inside.mjs";
import { peers } from "./peers.mjs";

export default {
  async fetch(request) {
    if (request.method === "HEAD") return new Response();
    try {
      return Response.json(await compare(peers, await request.json()));
    } catch (error) {
      return Response.json({ error: String(error.message ?? error) });
    }
  },
};
