import { session } from "./auth.js";

export interface Note {
  readonly id: string;
  readonly text: string;
}

/** Asks the API as whoever is signed in. The worker's gate answers from this person's cache where there is no network. */
async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const send = () =>
    fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${session.accessToken}` } });
  let response = await send();
  if (response.status === 401 && (await session.refresh()) === "refreshed") response = await send();
  if (!response.ok) throw new Error(`The notes server answered ${response.status}`);
  return response;
}

export const readNotes = async (): Promise<Note[]> => (await ask("/api/notes")).json();

export async function writeNote(text: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  await ask(`/api/notes/${crypto.randomUUID()}`, { method: "PUT", headers, body: JSON.stringify({ text }) });
}
