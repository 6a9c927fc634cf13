/** Of `setTimeout`, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What arrives within some seconds; `undefined` for what fails or takes longer. */
export async function within<T>(arriving: Promise<T>, seconds: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.min(seconds * 1000, LONGEST_TIMER), undefined);
  });
  try {
    return await Promise.race([arriving.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
