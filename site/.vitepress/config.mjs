// The documentation site: the repository's own pages, which stay the source. `npm run docs` builds it into target/site, and
// `npm start` serves it under /docs/ (tools/docs.mjs).
import { defineConfig } from "vitepress";
import { writeInstallable } from "./installable.mjs";
import { linkPages, slug } from "./links.mjs";
import { withPolicy } from "./policy.mjs";

/** Where the site will be served. */
const BASE = process.env.DOCS_BASE ?? "/docs/";
/** The pages outside docs/. */
const PAGES = ["README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/RESULTS.md"];

export default defineConfig({
  title: "Tokenward",
  description: "JWT verification that works offline. Synchronous, strict, the same in every runtime.",
  lang: "en-US",
  base: BASE,
  srcDir: "..",
  // Everything but these: a repository has many files.
  srcExclude: [`!(${[...PAGES.map((page) => page.split("/")[0]), "docs"].join("|")})/**`, "docs/!(*.md)/**"],
  rewrites: { "README.md": "index.md", "docs/:page": ":page" },
  outDir: "../target/site",
  cacheDir: "../target/site-cache",
  cleanUrls: false,
  head: [
    ["link", { rel: "manifest", href: `${BASE}manifest.webmanifest` }],
    ["link", { rel: "icon", href: `${BASE}icons/icon.svg`, type: "image/svg+xml" }],
    ["meta", { name: "theme-color", content: "#1f3a5f" }],
  ],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: linkPages,
    anchor: { slugify: slug },
  },
  vite: { publicDir: false },
  transformHtml: withPolicy,
  buildEnd: writeInstallable,
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      {
        text: "Start",
        items: [
          { text: "Tokenward", link: "/" },
          { text: "Quick starts", link: "/start" },
          { text: "Concepts", link: "/concepts" },
          { text: "Coming from another library", link: "/migrate" },
        ],
      },
      {
        text: "Guides",
        items: [
          { text: "Offline auth, honestly", link: "/offline" },
          { text: "FusionAuth", link: "/fusionauth" },
          { text: "At the edge", link: "/edge" },
          { text: "Keys at build time", link: "/bundlers" },
        ],
      },
      {
        text: "Reference",
        items: [
          { text: "Options and ranges", link: "/reference" },
          { text: "Errors", link: "/errors" },
          { text: "JWT best current practices", link: "/bcp" },
          { text: "Benchmarks", link: "/bench/RESULTS" },
          { text: "Changelog", link: "/CHANGELOG" },
        ],
      },
      {
        text: "Security and design",
        items: [
          { text: "Security", link: "/SECURITY" },
          { text: "Audit", link: "/audit" },
          { text: "Hostile tokens", link: "/vectors" },
          { text: "Mutants", link: "/mutants" },
          { text: "Fuzzing", link: "/fuzzing" },
          { text: "Architecture", link: "/ARCHITECTURE" },
          { text: "Decisions", link: "/decisions" },
          { text: "Contributing", link: "/CONTRIBUTING" },
        ],
      },
    ],
  },
});
