import { seconds } from "../duration.js";
import { settle } from "./settle.js";
import type { TestClock } from "./types.js";

interface Timer {
  at: number;
  readonly run: () => void;
}

/** A clock that a test moves, with the timers that are due by it. */
export class ManualClock implements TestClock {
  readonly #timers = new Set<Timer>();
  readonly #isBusy: () => boolean;
  #now: number;

  constructor(now: number, isBusy: () => boolean) {
    this.#now = now;
    this.#isBusy = isBusy;
  }

  readonly now = (): number => this.#now;

  set(now: number): void {
    // Timers wait for time that passes, not for what a clock shows.
    for (const timer of this.#timers) timer.at += now - this.#now;
    this.#now = now;
  }

  async advance(duration: number | string): Promise<void> {
    const end = this.#now + seconds(duration, "duration");
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.run();
      await settle(this.#isBusy);
    }
    this.#now = end;
    await settle(this.#isBusy);
  }

  /** As the `after` of a session's environment. */
  readonly after = (delay: number, run: () => void): (() => void) => {
    const timer: Timer = { at: this.#now + delay, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= end);
    return due.sort((one, other) => one.at - other.at)[0];
  }
}
