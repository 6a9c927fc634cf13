// Links between the pages, which are written for the repository: on the site a page of docs/ has another path, and files that
// are no pages, such as examples, are not there.
import { posix } from "node:path";

const PAGE = /^(?:docs\/[\w-]+|bench\/RESULTS|[A-Z]+)\.md$/;

/** Where a page of the repository is on the site, or `undefined` for a file that is not on it. */
export function addressOf(file) {
  if (file === "README.md") return "/";
  return PAGE.test(file) ? `/${file.replace(/^docs\//, "").replace(/\.md$/, ".html")}` : undefined;
}

/** The anchor of a heading, as GitHub makes it: the pages are read there too. */
export const slug = (title) =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");

/** The file of the repository that a page's relative link leads to, and what comes after it. */
function targetOf(href, page) {
  const [, path, hash] = /^([^#?]*)(.*)$/.exec(href);
  return { file: posix.normalize(posix.join(posix.dirname(page), decodeURI(path))), hash };
}

/** A plugin of markdown-it. VitePress then adds its base, and fails for a page that does not exist. */
export function linkPages(markdown) {
  markdown.core.ruler.push("link_pages", ({ tokens, env }) => {
    const page = pageOf(env);
    for (const token of tokens) if (token.children) token.children = relinked(token.children, page);
  });
}

/** Of a rewritten page VitePress knows where it is on the site; the repository has it under its real path. */
function pageOf({ realPath, path, relativePath }) {
  if (!realPath || !path.endsWith(relativePath)) return relativePath;
  return realPath.slice(path.length - relativePath.length).replaceAll("\\", "/");
}

function relinked(children, page) {
  const kept = [];
  let unlinked = 0;
  for (const token of children) {
    if (token.type === "link_close" && unlinked > 0) unlinked -= 1;
    else if (token.type !== "link_open" || relink(token, page)) kept.push(token);
    else unlinked += 1;
  }
  return kept;
}

/** Gives a link its address on the site; `false` if what it leads to is not there, so that its text stays alone. */
function relink(token, page) {
  const href = token.attrGet("href");
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) return true;
  const { file, hash } = targetOf(href, page);
  const address = addressOf(file);
  if (address === undefined) return false;
  token.attrSet("href", address + hash);
  return true;
}
