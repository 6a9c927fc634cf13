/** An answer for who asked, and the whole of its body for a cache. */
export interface Copying {
  readonly response: Response;
  /** `null` where an answer has no body; `undefined` for one that was cut off, given up, or has more than the limit. */
  readonly whole: Promise<Blob | null | undefined>;
}

/**
 * Copies a body while it is passed on. Not by `clone()`: a clone keeps reading, forever if need be, when whoever asked has
 * long closed the page. Here that ends the copy and the fetch.
 */
export function copying(response: Response, limit: number, signal?: AbortSignal): Copying {
  const { body, headers } = response;
  if (body === null) return { response, whole: Promise.resolve(null) };
  if (Number(headers.get("content-length")) > limit) return { response, whole: Promise.resolve(undefined) };
  const reader = body.getReader();
  let chunks: Uint8Array<ArrayBuffer>[] | undefined = [];
  let size = 0;
  let isWanted = () => {};
  let tell = (_whole: Blob | undefined) => {};
  const whole = new Promise<Blob | undefined>((resolve) => {
    tell = resolve;
  });
  const giveUp = () => {
    chunks = undefined;
    tell(undefined);
  };
  const copy = (chunk: unknown) => {
    if (chunks === undefined) return;
    if (!(chunk instanceof Uint8Array) || size + chunk.byteLength > limit) return giveUp();
    size += chunk.byteLength;
    // Who reads a chunk may give its memory away.
    chunks.push(new Uint8Array(chunk));
  };

  const pass = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    for (;;) {
      // What is copied is read at once, all else when it is wanted.
      if (chunks === undefined && (controller.desiredSize ?? 0) <= 0) {
        await new Promise<void>((resolve) => {
          isWanted = resolve;
        });
      }
      const { done, value } = await reader.read();
      if (done) break;
      copy(value);
      controller.enqueue(value);
    }
    controller.close();
    tell(chunks && isComplete(response, size) ? new Blob(chunks) : undefined);
  };

  const passed = new ReadableStream<Uint8Array>({
    start(controller) {
      const fail = (reason: unknown) => {
        giveUp();
        controller.error(reason);
      };
      const stop = () => {
        fail(signal?.reason);
        reader.cancel(signal?.reason).catch(() => {});
      };
      if (signal?.aborted) return stop();
      signal?.addEventListener("abort", stop);
      // Without waiting: a stream asks for more only when it has started.
      void pass(controller).catch(fail);
    },
    pull: () => isWanted(),
    cancel(reason) {
      giveUp();
      reader.cancel(reason).catch(() => {});
    },
  });
  return { response: remade(response, passed, headers), whole };
}

/** An answer with another body or other headers, and else as it was for who looks at it in the worker. */
export function remade(response: Response, body: BodyInit | null, headers: Headers): Response {
  const { status, statusText, url, type } = response;
  const copy = new Response(body, { status, statusText, headers });
  return Object.defineProperties(copy, { url: { value: url }, type: { value: type } });
}

/** Firefox may take a body that was cut off for a whole one. Of a body that was encoded the length is another's. */
function isComplete({ headers, type }: Response, size: number): boolean {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") || type === "cors" || Number(length) === size;
}

/** Nobody reads an answer. Not to be waited for: of a clone the promise holds until the other one is let go, too. */
export function letGo({ body }: Response): void {
  body?.cancel().catch(() => {});
}
