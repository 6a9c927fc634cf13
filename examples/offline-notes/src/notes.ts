import { session } from "./auth.js";
import { explain, problem } from "./words.js";

interface Note {
  readonly id: string;
  readonly text: string;
}

const element = <T extends Element = HTMLElement>(id: string) => document.querySelector(id) as T;
const say = (text: string) => {
  element("#message").textContent = text;
};

/** Asks the API as whoever is signed in. The worker's gate answers from this person's cache where there is no network. */
async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const send = () =>
    fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${session.accessToken}` } });
  let response = await send();
  if (response.status === 401 && (await session.refresh()) === "refreshed") response = await send();
  if (!response.ok) throw new Error(`The notes server answered ${response.status}`);
  return response;
}

async function load(): Promise<void> {
  const notes: Note[] = await (await ask("/api/notes")).json();
  const lines = notes.map(({ id, text }) => {
    const line = document.createElement("li");
    const words = document.createElement("span");
    words.textContent = text;
    const button = document.createElement("button");
    button.textContent = "Delete";
    button.addEventListener("click", () => change("DELETE", id));
    line.append(words, button);
    return line;
  });
  element("#notes").replaceChildren(...lines);
  element("#empty").hidden = notes.length > 0;
}

/** Writes to the server, if this person may now. The server judges again. */
async function change(method: "PUT" | "DELETE", id: string, text?: string): Promise<boolean> {
  const { allowed, refused } = session.access({ method, scope: "notes:write" });
  if (!allowed) {
    say(
      refused === "rights" ? "This account may not write notes." : "Not now: connect to write. Your text stays here.",
    );
    return false;
  }
  try {
    say("");
    const headers = { "content-type": "application/json" };
    await ask(`/api/notes/${id}`, { method, headers, ...(text && { body: JSON.stringify({ text }) }) });
    await load();
    return true;
  } catch (error) {
    say(`That was not saved. ${problem(error)}`);
    return false;
  }
}

const box = element<HTMLTextAreaElement>("#text");
/** What is being written stays on the device until it is saved: each person has a draft. */
const draft = () => `draft:${session.state.claims?.sub}`;

function show(): void {
  document.body.dataset["access"] = session.state.access;
  element("#status").textContent = explain(session.state);
  if (session.state.status === "signed_out") leave();
}

/** Nothing of a person stays on the screen. */
function leave(): void {
  element("#notes").replaceChildren();
  location.replace("/");
}

box.addEventListener("input", () => localStorage.setItem(draft(), box.value));
element("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!box.value.trim() || !(await change("PUT", crypto.randomUUID(), box.value))) return;
  box.value = "";
  localStorage.removeItem(draft());
});
element("#sign-out").addEventListener("click", async () => {
  const mine = draft();
  try {
    await session.signOut();
    localStorage.removeItem(mine);
  } catch (error) {
    say(`Signing out did not work. ${problem(error)}`);
  }
});

session.addEventListener("change", show);
await session.start();
show();
box.value = localStorage.getItem(draft()) ?? "";
const refresh = () => load().catch((error) => say(`The notes cannot be shown. ${problem(error)}`));
addEventListener("online", refresh);
await refresh();
