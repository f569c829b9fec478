/** Who may see page and status. */

import assert from "node:assert/strict";
import { type AccessRules, isLoopback, refusal } from "../../../src/observe/page_access.ts";

const token = "0123456789abcdef";

/** The status of a refusal, or 200. */
async function asked(
  headers: Readonly<Record<string, string>>,
  rules: Partial<AccessRules> = {},
  isShell = false,
): Promise<number> {
  const request = new Request("http://127.0.0.1:9100/status", { headers });
  const all = { hostname: "127.0.0.1", hosts: [], token: () => null, ...rules };
  return (await refusal(request, all, isShell))?.status ?? 200;
}

Deno.test("isLoopback() knows the addresses and names that reach this machine alone", () => {
  for (const name of ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1", "localhost", "a.localhost"]) {
    assert.ok(isLoopback(name), name);
  }
  for (
    const name of ["0.0.0.0", "::", "10.0.0.2", "::ffff:10.0.0.2", "router.example", "localhost.example"]
  ) {
    assert.ok(!isLoopback(name), name);
  }
});

Deno.test("refusal() takes addresses, loopback names and names that were given, and no other host", async () => {
  const known = [
    "127.0.0.1:9100",
    "[::1]:9100",
    "10.0.0.2",
    "localhost:9100",
    "LOCALHOST",
    "status.example:9100",
  ];
  for (const host of known) assert.equal(await asked({ host }, { hosts: ["Status.example"] }), 200, host);
  assert.equal(await asked({ host: "router1:9100" }, { hostname: "router1", token: () => token }), 401);
  // A name that was rebound to this address, and what is no host at all.
  for (const host of ["evil.example:9100", "127.0.0.1.evil.example", "", "a b", "localhost:9100:1"]) {
    assert.equal(await asked({ host }), 421, host);
    assert.equal(await asked({ host }, {}, true), 421, host);
  }
});

Deno.test("refusal() refuses the scripts of another site, also one that shares the address", async () => {
  const host = "127.0.0.1:9100";
  assert.equal(await asked({ host, "sec-fetch-site": "same-origin", origin: `http://${host}` }), 200);
  assert.equal(await asked({ host, origin: `https://${host}` }), 200);
  assert.equal(await asked({ host, "sec-fetch-site": "none" }), 200);
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(await asked({ host, "sec-fetch-site": site }), 403);
  }
  for (const origin of ["null", "http://127.0.0.1:8080", "https://evil.example"]) {
    assert.equal(await asked({ host, origin }), 403, origin);
  }
  // A link of another site may lead to the page, which has no data in it.
  assert.equal(await asked({ host, "sec-fetch-site": "cross-site" }, {}, true), 200);
});

Deno.test("refusal() needs a token where others reach the address, and takes the one of the moment", async () => {
  const host = "10.0.0.2:9100";
  let current = token;
  const rules = { hostname: "10.0.0.2", token: () => current };
  assert.equal(await asked({ host }, { hostname: "10.0.0.2" }), 403);
  assert.equal(await asked({ host }, { hostname: "10.0.0.2" }, true), 403);
  assert.equal(await asked({ host }, rules), 401);
  assert.equal(await asked({ host }, rules, true), 200);
  assert.equal(await asked({ host, authorization: `Bearer ${token}` }, rules), 200);
  assert.equal(await asked({ host, authorization: `bearer  ${token}` }, rules), 200);
  current = "another token of a day";
  assert.equal(await asked({ host, authorization: `Bearer ${token}` }, rules), 401);
});

Deno.test("refusal() asks for the token on a loopback address too where there is one", async () => {
  assert.equal(await asked({ host: "localhost" }, { token: () => token }), 401);
});
