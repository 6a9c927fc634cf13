import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createTestIssuer } from "tokenward/testing";
import { createGreeting } from "../src/greeting.js";

let issuer;
let greeting;
beforeEach(async () => {
  issuer = await createTestIssuer();
  greeting = createGreeting(issuer.options);
});

test("greets whoever the token is of", async () => {
  assert.equal(greeting(await issuer.token({ sub: "ada" })), "Hello ada");
});

test("asks to sign in again once the token has expired", async () => {
  const token = await issuer.token({ sub: "ada" });
  await issuer.clock.advance("2h");
  assert.equal(greeting(token), "Please sign in again");
});

test("knows nobody by a forged token", async () => {
  const [header, payload] = (await issuer.token({ sub: "ada" })).split(".");
  assert.equal(greeting(`${header}.${payload}.${"A".repeat(86)}`), "Who are you?");
});
