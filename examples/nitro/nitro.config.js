// In Nuxt the same is under `nitro` in nuxt.config, and `srcDir` is left out.
export default {
  srcDir: "server",
  preset: "cloudflare_module",
  compatibilityDate: "2026-01-01",
  // For `tokenward.wasm?module`.
  experimental: { wasm: true },
};
