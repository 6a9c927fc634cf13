// A page that leaves verifying to its worker still needs only a session's own code.
import { createSession } from "tokenward/session";

globalThis.answer = createSession;
