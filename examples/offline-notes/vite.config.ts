import tokenward from "tokenward/unplugin";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => ({
  plugins: [
    tokenward.vite({
      issuer: loadEnv(mode, ".")["VITE_ISSUER"], // its keys are fetched at every build
      serviceWorker: { input: "src/sw.ts" }, // one minified file, /sw.js, built with the pages
    }),
  ],
  build: { rollupOptions: { input: ["index.html", "signed-in.html", "app/notes.html"] } },
}));
