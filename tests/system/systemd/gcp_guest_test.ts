/** The shipped unit on Compute Engine. */

import assert from "node:assert/strict";
import { addresses, GcpRig } from "../../fakes/gcp/rig.ts";
import { type GuestCloud, guestTest, metadataAddress } from "./cloud_guest.ts";

guestTest("Google Cloud", null, (): Promise<GuestCloud> => {
  const rig = GcpRig.start();
  const { CLOUDROUTESYNC_GCP_ENDPOINT: endpoint = "", GCE_METADATA_HOST: metadata = "" } = rig.environment;
  return Promise.resolve({
    name: "gcp",
    links: [
      "link add eth0 type veth peer name fabric0",
      `address add ${addresses.router}/32 dev eth0`,
      "link set eth0 up",
      "link set fabric0 up",
      `route add ${addresses.gateway} dev eth0 proto dhcp scope link`,
      `route add default via ${addresses.gateway} dev eth0 proto dhcp`,
      "link add wan0 type veth peer name peer0",
      "address add 172.31.0.1/24 dev wan0",
      "link set wan0 up",
      "link set peer0 up",
    ],
    via: "via 172.31.0.5 dev wan0",
    servers: [Number(new URL(endpoint).port), { port: Number(metadata.split(":")[1]), at: metadataAddress }],
    variables: { CLOUDROUTESYNC_GCP_ENDPOINT: endpoint, CLOUDROUTESYNC_OWNER: "edge" },
    credentials: [{
      name: "the instance's service account",
      variables: {},
      wasUsed: (): void => {
        assert.ok(rig.metadata.calls.some((path) => path.endsWith("/service-accounts/default/token")));
      },
    }],
    prefixes: () => Promise.resolve(rig.routes.map(({ destRange }) => destRange)),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  });
});
