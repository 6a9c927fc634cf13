import tokenward from "tokenward/unplugin";
import { defineConfig, loadEnv } from "vite";
import { VitePWA } from "vite-plugin-pwa";

export default defineConfig(({ mode }) => {
  const keys = () => tokenward.vite({ issuer: loadEnv(mode, ".")["VITE_ISSUER"] }); // fetched at every build
  return {
    plugins: [
      keys(),
      VitePWA({
        strategies: "injectManifest", // the worker is src/sw.ts; Workbox tells it which files the app has
        srcDir: "src",
        filename: "sw.ts",
        injectManifest: { buildPlugins: { vite: [keys()] }, globPatterns: ["**/*.{html,js,css,svg}"] },
        manifest: {
          name: "Notes",
          short_name: "Notes",
          start_url: "/",
          display: "standalone",
          theme_color: "#0b57d0",
          background_color: "#f6f7f9",
          icons: [{ src: "/icon.svg", sizes: "any", type: "image/svg+xml" }],
        },
      }),
    ],
    build: { rollupOptions: { input: ["index.html", "signed-in.html"] } },
  };
});
