import type { UnlockedKey } from "../protection.js";
import type { ToldEnding } from "./endings.js";
import type { SessionRecord } from "./record.js";

/** What the tabs and workers of one session tell each other; an empty message: look into the storage. */
export interface Message {
  /** What the storage refused. */
  readonly unsaved?: SessionRecord | undefined;
  /** Which sessions have ended: a storage that refuses may not say so. */
  readonly ended?: readonly ToldEnding[];
  /** Somebody has signed in: whoever could not read the storage when somebody signed out did not mean this session. */
  readonly begun?: string;
  /** A tab that starts, or was just unlocked, has not heard what the storage refused. */
  readonly asksForUnsaved?: true;
  /** A tab that cannot read the storage and wants to refresh does not know what others have stored there. */
  readonly asksForHeld?: true;
  /** A service worker can ask nobody for a PIN: a page that was unlocked unlocks it too. */
  readonly key?: UnlockedKey;
  readonly asksForKey?: true;
  readonly lock?: true;
}
