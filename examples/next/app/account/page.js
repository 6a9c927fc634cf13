import { headers } from "next/headers";
import { connection } from "next/server";
import { Suspense } from "react";
import { gate } from "../../gate.js";

export default function Page() {
  return (
    <main>
      <h1>Account</h1>
      <Suspense fallback={<p>...</p>}>
        <Account />
      </Suspense>
    </main>
  );
}

/** Asks the gate again, as route handlers do: a proxy alone is not enough. */
async function Account() {
  await connection(); // verifying depends on the time, so never while a page is prerendered
  const { allowed, claims } = gate.decide({ url: "http://localhost/account", method: "GET", headers: await headers() });
  return <p>{allowed ? `Signed in as ${claims.sub}` : "Signed out"}</p>;
}
