import { createTestIssuer } from "tokenward/testing";
import { beforeEach, expect, test } from "vitest";
import { createGreeting } from "../src/greeting.js";

let issuer;
let greeting;
beforeEach(async () => {
  issuer = await createTestIssuer();
  greeting = createGreeting(issuer.options);
});

test("greets whoever the token is of", async () => {
  expect(greeting(await issuer.token({ sub: "ada" }))).toBe("Hello ada");
});

test("asks to sign in again once the token has expired", async () => {
  const token = await issuer.token({ sub: "ada" });
  await issuer.clock.advance("2h");
  expect(greeting(token)).toBe("Please sign in again");
});

test("knows nobody by a forged token", async () => {
  const [header, payload] = (await issuer.token({ sub: "ada" })).split(".");
  expect(greeting(`${header}.${payload}.${"A".repeat(86)}`)).toBe("Who are you?");
});
