/** 8 KB in engines that put arguments on the stack: twice of what the module was seen to need in V8. */
const ROOM: readonly undefined[] = Array.from({ length: 1024 });

function takeRoom(): void {}

/**
 * Throws what the engine throws at the end of the stack, if what is left of it is not enough for the module. It costs less
 * than a new instance (`js/core.ts`), which is what follows where the module finds the end itself.
 */
export function leaveRoom(): void {
  takeRoom.apply(undefined, ROOM as []);
}

/**
 * Whether the stack ended: V8 and JavaScriptCore say so by a `RangeError`, SpiderMonkey by an `InternalError`, V8 by a
 * `SyntaxError` where it compiles a regular expression.
 */
export function isStackOverflow(error: unknown): boolean {
  const name = nameOf(error);
  return (
    name === "InternalError" || ((name === "RangeError" || name === "SyntaxError") && /stack/i.test(messageOf(error)))
  );
}

/** Errors may be another realm's, where `instanceof` knows nothing of them. */
export function nameOf(error: unknown): unknown {
  return (error as { name?: unknown } | null | undefined)?.name;
}

export function messageOf(error: unknown): string {
  return String((error as { message?: unknown } | null | undefined)?.message ?? error);
}
