import type { UnlockedKey } from "../protection.js";
import type { Ending, SessionRecord } from "./record.js";

/** What the tabs and workers of one session tell each other; an empty message: look into the storage. */
export interface Message {
  /** What the storage refused. */
  readonly unsaved?: SessionRecord | undefined;
  /** Which sessions have ended: a storage that refuses may not say so. */
  readonly ended?: readonly Ending[];
  /** A tab that starts knows neither. */
  readonly asksForUnsaved?: true;
  /** A service worker can ask nobody for a PIN: a page that was unlocked unlocks it too. */
  readonly key?: UnlockedKey;
  readonly asksForKey?: true;
  readonly lock?: true;
}
