import { finishSignIn } from "./sign-in.js";
import { problem } from "./words.js";

try {
  await finishSignIn();
  location.replace("/app/notes.html");
} catch (error) {
  document.querySelector("#message")!.textContent = `Signing in did not work. ${problem(error)}`;
}
