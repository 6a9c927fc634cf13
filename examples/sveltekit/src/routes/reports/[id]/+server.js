import { json } from "@sveltejs/kit";

export const GET = ({ params }) => json({ report: params.id });
