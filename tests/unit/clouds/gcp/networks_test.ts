import assert from "node:assert/strict";
import { checkNetworks } from "../../../../src/clouds/gcp/networks.ts";

Deno.test("checkNetworks() says what Google has instead of a tag on a route table", () => {
  checkNetworks(["net", "projects/p/global/networks/other"]);
  assert.throws(() => checkNetworks(["net", "tag:crs=yes"]), {
    name: "ConfigurationError",
    message:
      "Cannot use -route-table tag:crs=yes: Google Cloud's route tables are its VPC networks, which have no labels; " +
      "name networks (-route-table NETWORK), and limit routes to instances with a network tag by -instance-tag",
  });
});
