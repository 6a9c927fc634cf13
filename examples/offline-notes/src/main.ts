import { session } from "./auth.js";
import { signIn } from "./sign-in.js";
import { explain, problem } from "./words.js";

const element = (id: string) => document.querySelector(id) as HTMLElement;

/** Does what a button is for, and says what went wrong. */
function on(id: string, act: () => Promise<unknown>): void {
  element(id).addEventListener("click", () => {
    element("#message").textContent = "";
    act().catch((error) => {
      element("#message").textContent = problem(error);
    });
  });
}

function show(): void {
  const { status, access } = session.state;
  document.body.dataset["status"] = status; // the style sheet shows what each status is for
  document.body.dataset["access"] = access; // "full", "limited" or "none"
  element("#status").textContent = explain(session.state);
}

on("#sign-in", signIn);
on("#sign-out", async () => {
  const draft = `draft:${session.state.claims?.sub}`; // what src/notes.ts keeps
  await session.signOut();
  localStorage.removeItem(draft);
});
session.addEventListener("change", show);
await session.start();
show();

// There is none on plain http, where nothing works offline.
await navigator.serviceWorker?.register("/sw.js");
