import { finishSignIn } from "./sign-in.js";
import { problem } from "./words.js";

try {
  await finishSignIn();
  location.replace("/");
} catch (error) {
  const message = document.querySelector("#message") as HTMLElement;
  message.textContent = `Signing in did not work. ${problem(error)}`;
}
