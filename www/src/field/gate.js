// What the service worker lets through: pages of the field app to whoever is signed in, reports to whoever may write.

import { createGate } from "tokenward/gate";
import { createFieldSession, fetchUnlessOffline, onSimulation, recallSimulation } from "./session.js";

export function createFieldGate() {
  const session = createFieldSession();
  if (session === undefined) return undefined;
  onSimulation();
  let recalled;
  const gate = createGate({
    session,
    rules: [
      { match: "/field/refused.html", needs: null },
      {
        match: "/field/report",
        needs: { access: "full", scope: "write" },
        otherwise: { status: 403, body: "Writing needs full access." },
      },
      { match: "/field/*", needs: { scope: "read" }, cache: "user", otherwise: { page: "/field/refused.html" } },
    ],
  });
  return {
    install: () => gate.install(),
    handle(event) {
      if (gate.decide(event.request) === undefined) return undefined;
      recalled ??= recallSimulation();
      return recalled.then(() => gate.handle(event, answer));
    },
  };
}

/** There is no server to report to: the worker itself takes the report. */
function answer(request) {
  return request.method === "POST" ? Response.json({ taken: true }) : fetchUnlessOffline(request);
}
