// Everything comes by here first, so it has no `matcher`: what a pattern overlooks would pass.
import { NextResponse } from "next/server";
import { gate } from "./gate.js";

export default async function proxy(request, event) {
  const { response } = await gate.admit(request, (work) => event.waitUntil(work));
  return response ?? NextResponse.next();
}
