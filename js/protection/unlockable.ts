import type { UnlockedKey } from "../protection.js";
import type { HeldKey } from "./data-key.js";

/** What can be done with a key once a PIN or a passkey has unlocked it, whichever of them it was. */
export abstract class Unlockable {
  readonly name: string;
  readonly #held: HeldKey;

  constructor(name: string, held: HeldKey) {
    this.name = name;
    this.#held = held;
  }

  get locked(): boolean {
    return !this.#held.isHeld;
  }

  seal(text: string, record?: string): Promise<string> {
    return this.#held.seal(text, record);
  }

  open(sealed: string, record?: string): Promise<string> {
    return this.#held.open(sealed, record);
  }

  lock(): void {
    this.#held.drop();
  }

  share(): UnlockedKey | undefined {
    return this.#held.share();
  }

  adopt(shared: UnlockedKey): Promise<void> {
    return this.#held.adopt(shared);
  }
}
