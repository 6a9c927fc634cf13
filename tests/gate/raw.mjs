// Requests as text on a socket: no client tidies them.
import { connect } from "node:net";
import { randomFrom } from "../random.mjs";

/** Request lines without their version: those of the issue, and made ones. */
export function hostileTargets(seed) {
  const known = [
    ...["GET /admin/../public/x", "GET /admin/%2e%2e/public/x", "GET http://other\\@host/admin/x", "GET /%2561dmin/x"],
    ...["GET /public/%25%32%65%25%32%65/admin/users", "GET /public/..%25%32%66admin/users", "GET /%25%361dmin/users"],
    ...["GET /admin%3Fx", "GET /admin%23x", "GET /admin", "GET /admin/", "POST /admin/../admin/x", "GET /Admin/x"],
    ...["GET http://evil.test/admin/x", "GET http://evil.test/public/../admin/x", "GET HTTP://evil.test/admin/x"],
    ...[
      "GET http://app.test\\admin\\x",
      "GET http://user@app.test/admin/x",
      "GET //admin/x",
      "GET //evil.test/admin/x",
    ],
    ...["GET http:///admin/x", "GET /\\admin/x", "GET /public\\..\\admin/x", "GET /x/..;/admin/x", "GET /admin;/x"],
    ...[
      "OPTIONS *",
      "GET *",
      "CONNECT app.test:443",
      "CONNECT /admin/x",
      "GET app.test:443",
      "GET admin/x",
      "GET ?/admin/x",
    ],
    ...["GET /public#/../admin/x", "GET /admin/x#y", "GET /admin/x\t", "GET /\tadmin/x", "GET /%00/../admin/x"],
    ...["GET ftp://app.test/admin/x", "GET https://app.test/admin/x", "TRACE /admin/x", "GET /%c0%ae%c0%ae/admin/x"],
  ];
  const random = randomFrom(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const parts = [
    ...[
      "admin",
      "admin",
      "public",
      "x",
      "/",
      "/",
      "/",
      "//",
      "..",
      ".",
      "\\",
      ";",
      "..;",
      "#",
      "?",
      "@",
      "%",
      "ö",
      "\u00a0",
    ],
    ...[
      "%2F",
      "%5c",
      "%2e",
      "%2E%2e",
      "%3F",
      "%23",
      "%3B",
      "%61dmin",
      "%252F",
      "%252e",
      "%2561dmin",
      "%00",
      "%09",
      "Admin",
    ],
  ];
  const made = Array.from({ length: 250 }, () => {
    const text = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(parts)).join("");
    const form = pick([
      "/",
      "/",
      "/",
      "/admin/",
      "/public/",
      "http://app.test/",
      "http://x\\@app.test/",
      "http://app.test\\",
    ]);
    return `${pick(["GET", "GET", "POST"])} ${form}${text}`;
  });
  return [...known, ...made];
}

/** The whole answer, as text. */
export function send(url, line, headers = {}, host = "app.test", body = "") {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
    const all = Object.entries({ host, connection: "close", ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    socket.write(`${line} HTTP/1.1\r\n${all.join("")}\r\n${body}`);
    // A tunnel stays open, and what waits for a body does too.
    setTimeout(() => socket.destroy(), 10_000).unref();
  });
}
