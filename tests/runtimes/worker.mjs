import { answer } from "./inside.mjs";

answer().then(postMessage, (error) => {
  setTimeout(() => {
    throw error;
  });
});
