import { guarded } from "../../../../gate.js";

export const GET = guarded(async (_decision, _request, { params }) => Response.json({ report: (await params).id }));
