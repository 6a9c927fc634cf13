import { answer } from "./inside.mjs";

addEventListener("install", () => skipWaiting());
addEventListener("message", (event) => {
  const failed = (error) => ({ passed: 0, failures: [`${error.name}: ${error.message}`] });
  event.waitUntil(
    answer()
      .catch(failed)
      .then((result) => event.ports[0].postMessage(result)),
  );
});
