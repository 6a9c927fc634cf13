// The documentation site: the repository's own pages, which stay the source. `npm run docs` builds it into target/site.
import { defineConfig } from "vitepress";

const PAGES = ["README.md", "SECURITY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/RESULTS.md"];

export default defineConfig({
  title: "Tokenward",
  description: "JWT verification that works offline. Synchronous, strict, the same in every runtime.",
  lang: "en-US",
  srcDir: "..",
  // Everything but these: a repository has many files.
  srcExclude: [`!(${[...PAGES.map((page) => page.split("/")[0]), "docs"].join("|")})/**`, "docs/!(*.md)/**"],
  rewrites: { "README.md": "index.md" },
  outDir: "../target/site",
  cacheDir: "../target/site-cache",
  cleanUrls: false,
  // A link to a file of the repository that is no page, such as an example.
  ignoreDeadLinks: [/\/examples(?:\/|$)/],
  markdown: { theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } },
  vite: { publicDir: false },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      {
        text: "Start",
        items: [
          { text: "Tokenward", link: "/" },
          { text: "Keys at build time", link: "/docs/bundlers" },
        ],
      },
      {
        text: "Guides",
        items: [
          { text: "Offline auth, honestly", link: "/docs/offline" },
          { text: "FusionAuth", link: "/docs/fusionauth" },
          { text: "At the edge", link: "/docs/edge" },
        ],
      },
      {
        text: "Reference",
        items: [
          { text: "Options, ranges, errors", link: "/docs/reference" },
          { text: "Security", link: "/SECURITY" },
          { text: "Benchmarks", link: "/bench/RESULTS" },
          { text: "Architecture", link: "/ARCHITECTURE" },
          { text: "Decisions", link: "/docs/decisions" },
          { text: "Changelog", link: "/CHANGELOG" },
        ],
      },
    ],
  },
});
