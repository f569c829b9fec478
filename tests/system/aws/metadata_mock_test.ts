/** Instance metadata as AWS' own mock serves it, version 2 enforced. */

import assert from "node:assert/strict";
import { identityOf } from "../../../src/clouds/aws/identity.ts";
import { InstanceMetadata } from "../../../src/clouds/aws/metadata.ts";
import { fileMissing, skips } from "../../needs.ts";
import { testTransport } from "../../fakes/cloud_options.ts";

const cache = Deno.env.get("CLOUDROUTESYNC_TEST_CACHE") ??
  new URL("../../../.cache", import.meta.url).pathname;
const mock = `${cache}/aws/bin/ec2-metadata-mock`;

Deno.test({
  name: "facts() identifies the VM of amazon-ec2-metadata-mock by version 2",
  ignore: skips(fileMissing(mock, "ec2-metadata-mock", "run .ci/install/aws.sh")),
  fn: async () => {
    const port = freePort();
    const args = ["--imdsv2", "--hostname", "127.0.0.1", "--port", String(port)];
    const child = new Deno.Command(mock, { args, stdout: "null", stderr: "null" }).spawn();
    try {
      await untilListening(port);
      const metadata = new InstanceMetadata(
        testTransport,
        `http://127.0.0.1:${port}`,
        () => performance.now(),
      );
      const facts = await metadata.facts(AbortSignal.timeout(20_000));
      assert.equal(facts.instanceId, "i-1234567890abcdef0");
      assert.equal(facts.region, "us-east-1");
      assert.equal(facts.primary.subnetId, "subnet-0ac62554");
      const identity = identityOf(facts);
      assert.deepEqual(identity.self, { 4: "eni-0f95d3625f5c521cc", 6: "eni-0f95d3625f5c521cc" });
      assert.deepEqual(identity.addresses.map((each) => each.text), ["172.16.34.43", "2001:db8:8:4::2"]);
      assert.deepEqual(identity.subnetRouters.map((each) => each.text), ["192.0.2.1", "2001:db8::1"]);
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
  },
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
  throw new Error("Cannot start ec2-metadata-mock: it does not listen");
}
