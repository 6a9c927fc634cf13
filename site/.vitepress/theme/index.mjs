import DefaultTheme from "vitepress/theme";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp() {
    // The site works offline. Where there are no service workers, or none may be registered, it works online.
    if (import.meta.env.SSR || !import.meta.env.PROD || !("serviceWorker" in navigator)) return;
    navigator.serviceWorker.register(`${import.meta.env.BASE_URL}sw.js`).catch(({ message }) => console.warn(message));
  },
};
