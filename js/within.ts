/** Of `setTimeout`, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What arrives within some seconds; `undefined` for what fails or takes longer. */
export function within<T>(arriving: Promise<T>, seconds: number): Promise<T | undefined> {
  return inTime<T | undefined>(
    arriving.catch(() => undefined),
    seconds,
    () => undefined,
  );
}

/** What arrives within some seconds, or else what `late` gives or throws. */
export async function inTime<T>(arriving: Promise<T>, seconds: number, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(seconds * 1000, LONGEST_TIMER));
  });
  try {
    return await Promise.race([arriving, tooLate.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
