import { type FormEvent, useEffect, useState } from "react";
import { session } from "./auth.js";
import { type Note, readNotes, writeNote } from "./notes.js";
import { signIn } from "./sign-in.js";
import { useAccess, useSession } from "./use-session.js";
import { explain, problem } from "./words.js";

export function App() {
  const state = useSession();
  const [message, setMessage] = useState("");
  const isSignedIn = state.status === "signed_in";

  /** Does what a button is for, and says what went wrong. */
  async function attempt(act: () => Promise<unknown>): Promise<void> {
    setMessage("");
    await act().catch((error) => setMessage(problem(error)));
  }

  return (
    <>
      <header>
        <h1>Notes</h1>
        {isSignedIn && (
          <button id="sign-out" type="button" onClick={() => attempt(() => session.signOut())}>
            Sign out
          </button>
        )}
      </header>
      <main data-access={state.access}>
        <p id="status" role="status">
          {explain(state)}
        </p>
        <p id="message" role="alert">
          {message}
        </p>
        {isSignedIn ? (
          // Another person is another component: nothing of the one before stays on the screen.
          <Notes key={state.sessionId} attempt={attempt} />
        ) : (
          <button id="sign-in" type="button" className="primary" onClick={() => attempt(signIn)}>
            Sign in
          </button>
        )}
      </main>
    </>
  );
}

function Notes({ attempt }: { attempt(act: () => Promise<unknown>): Promise<void> }) {
  const [notes, setNotes] = useState<Note[]>([]);
  const [text, setText] = useState("");
  const mayRead = useAccess({ method: "GET" }).allowed;
  const mayWrite = useAccess({ method: "PUT", scope: "notes:write" }).allowed;
  const load = async () => setNotes(await readNotes());

  useEffect(() => {
    if (mayRead) void attempt(load);
  }, [mayRead]);

  function save(event: FormEvent): void {
    event.preventDefault();
    if (!text.trim()) return;
    void attempt(async () => {
      await writeNote(text);
      setText("");
      await load();
    });
  }

  return (
    <>
      <form onSubmit={save}>
        <label htmlFor="text">A new note</label>
        <textarea id="text" maxLength={2000} value={text} onChange={(event) => setText(event.target.value)} />
        <button id="save" type="submit" className="primary" disabled={!mayWrite}>
          Save
        </button>
      </form>
      <ul id="notes">
        {mayRead &&
          notes.map((note) => (
            <li key={note.id}>
              <span>{note.text}</span>
            </li>
          ))}
      </ul>
    </>
  );
}
