/** Which identity tokens are asked for, and where they go. */

import assert from "node:assert/strict";
import { azureTest, open, rejects, signal } from "./azure_cloud.ts";

azureTest("a user-assigned identity is asked for by its client id", async (rig) => {
  const cloud = open(rig, { environment: (name) => name === "AZURE_CLIENT_ID" ? "client-7" : undefined });
  await cloud.identify(signal);
  assert.equal(rig.imds.tokenRequests[0]?.get("client_id"), "client-7");
});

azureTest("a token goes nowhere but to the API, whatever an answer names", async (rig) => {
  rig.arm.nextLink = "https://evil.example/list";
  await rejects(
    open(rig).identify(signal),
    "malformed",
    /evil\.example, which is not https:\/\/127\.0\.0\.1/,
  );
});

// The machines beside this one
