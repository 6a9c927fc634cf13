import { expect, test } from "@playwright/test";
import { createTestIssuer } from "tokenward/testing";

test("a page gets the issuer's keys from the test", async ({ page }) => {
  const issuer = await createTestIssuer({ issuer: "https://login.example" });
  await page.route("https://app.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: "<h1>App</h1>" }),
  );
  await page.route(`${issuer.issuer}/**`, async (route) => {
    const request = route.request();
    const answer = await issuer.fetch(request.url(), { method: request.method(), body: request.postData() });
    const headers = Object.fromEntries(answer.headers);
    await route.fulfill({ status: answer.status, headers, body: await answer.text() });
  });
  await page.goto("https://app.example/");
  const keys = await page.evaluate(async () => (await fetch("https://login.example/jwks")).json());
  expect(keys).toEqual(issuer.jwks);
});
