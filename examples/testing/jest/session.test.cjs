/** @jest-environment jest-fixed-jsdom */
const { expect, test } = require("@jest/globals");
const { createTestIssuer } = require("tokenward/testing");

test("in a page, a day without a network leaves reading", async () => {
  document.body.innerHTML = "<p></p>";
  const issuer = await createTestIssuer();
  const session = await issuer.session({ claims: { sub: "ada" } });
  issuer.online = false;
  await issuer.clock.advance("12h");
  document.querySelector("p").textContent = session.access().access;
  expect(document.body.textContent).toBe("limited");
  expect(session.access({ method: "PUT" }).allowed).toBe(false);
  session.stop();
});
