import { httpDate } from "./cache-control.js";

/**
 * What a complete answer is to a request with `Range` (RFC 9110 section 14): the part, or 416 where it begins behind the
 * end. The whole answer is right where the header asks for several parts, in another unit or in no way that can be read,
 * and where `If-Range` names another state of the resource.
 */
export async function ranged(request: Request, whole: Response): Promise<Response> {
  const range = request.method === "GET" && whole.status === 200 ? readRange(request.headers.get("range")) : undefined;
  if (range === undefined || !isSameState(request.headers.get("if-range"), whole.headers)) return whole;
  const body = await whole.blob();
  const { size } = body;
  const headers = new Headers(whole.headers);
  headers.set("accept-ranges", "bytes");
  // The part is one of the decoded body.
  headers.delete("content-encoding");
  const { first, last } = "suffix" in range ? { first: Math.max(0, size - range.suffix), last: size - 1 } : range;
  if (first >= size || ("suffix" in range && range.suffix === 0)) {
    headers.set("content-range", `bytes */${size}`);
    headers.set("content-length", "0");
    return new Response(null, { status: 416, statusText: "Range Not Satisfiable", headers });
  }
  const end = Math.min(last, size - 1);
  headers.set("content-range", `bytes ${first}-${end}/${size}`);
  headers.set("content-length", String(end - first + 1));
  return new Response(body.slice(first, end + 1), { status: 206, statusText: "Partial Content", headers });
}

type Range = { readonly first: number; readonly last: number } | { readonly suffix: number };

/** `undefined` for what does not ask for one part in bytes. */
function readRange(header: string | null): Range | undefined {
  // A list may have empty elements (RFC 9110 section 5.6.1.2). The unit's name has no letter case.
  const [, text, suffix] = /^bytes=[, \t]*(?:(\d+-\d*)|-(\d+))[, \t]*$/i.exec(header ?? "") ?? [];
  if (suffix !== undefined) return { suffix: Number(suffix) };
  if (text === undefined) return undefined;
  const [first = "", last = ""] = text.split("-");
  const range = { first: Number(first), last: last === "" ? Number.POSITIVE_INFINITY : Number(last) };
  return range.last < range.first ? undefined : range;
}

/** Whether `If-Range` lets a part be sent (RFC 9110 section 13.1.5). Only strong validators do. */
function isSameState(condition: string | null, headers: Headers): boolean {
  if (condition === null) return true;
  // A server's tag for the encoded body says nothing about parts of the decoded one.
  if (headers.has("content-encoding")) return false;
  if (condition.startsWith('"')) return condition === headers.get("etag");
  const modified = httpDate(headers.get("last-modified"));
  const date = httpDate(headers.get("date"));
  // Strong only if it did not change again within the second (section 8.8.2.2).
  const isStrong = modified !== undefined && date !== undefined && date - modified >= 1000;
  return isStrong && httpDate(condition) === modified;
}
