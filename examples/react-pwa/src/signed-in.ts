import { finishSignIn } from "./sign-in.js";
import { problem } from "./words.js";

try {
  await finishSignIn();
  location.replace("/");
} catch (error) {
  document.querySelector("#message")!.textContent = `Signing in did not work. ${problem(error)}`;
}
