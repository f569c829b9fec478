import assert from "node:assert/strict";
import { adviseForwarding, type ForwardingAdvice } from "../../../../src/clouds/openstack/port_security.ts";
import type { Port } from "../../../../src/clouds/openstack/schemas.ts";
import { parsePrefix } from "../../../../src/routes/prefix.ts";

const mac = "fa:16:3e:00:00:01";

function advise(
  sources: readonly string[],
  given: {
    readonly pairs?: Port["allowed_address_pairs"];
    readonly remoteGroups?: readonly string[] | null;
    readonly off?: boolean;
  } = {},
): ForwardingAdvice {
  const { pairs = [], remoteGroups = [], off = false } = given;
  return adviseForwarding({
    port: {
      id: "p1",
      network_id: "n",
      device_id: "vm",
      device_owner: "compute:nova",
      fixed_ips: [],
      mac_address: mac,
      port_security_enabled: !off,
      security_groups: ["g1"],
      allowed_address_pairs: pairs,
    },
    sources: sources.map(parsePrefix),
    remoteGroups,
  });
}

const many = Array.from({ length: 11 }, (_, index) => `198.18.${index}.0/24`);

Deno.test("adviseForwarding() adds the routed prefixes where no rule names a group of the port", () => {
  const { finding, add } = advise(["10.8.0.0/16", "10.8.3.0/24", "fd00:8::/48"]);
  assert.equal(finding.status, "bad");
  assert.deepEqual(add, ["10.8.0.0/16", "fd00:8::/48"]);
  assert.match(
    finding.remedy ?? "",
    /^openstack port set --allowed-address ip-address=10.8.0.0\/16 --allowed-address ip-address=fd00:8::\/48 p1$/,
  );
});

Deno.test("adviseForwarding() leaves the decision to a person where a rule names a group of the port, or may", () => {
  const named = advise(["10.8.0.0/16"], { remoteGroups: ["g1"] });
  assert.equal(named.add, null);
  assert.match(
    named.finding.remedy ?? "",
    /ip-address=10.8.0.0\/16 p1; .* wherever a rule lets in security group g1/,
  );
  const unknown = advise(["10.8.0.0/16"], { remoteGroups: null });
  assert.equal(unknown.add, null);
  assert.match(unknown.finding.remedy ?? "", /a security group of this port/);
});

Deno.test("adviseForwarding() never says to allow a default route in any guise, or more pairs than Neutron takes", () => {
  for (const sources of [["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"], ["::/0"], ["2000::/3"], many]) {
    for (const remoteGroups of [[], ["g1"], null]) {
      const { finding, add } = advise(sources, { remoteGroups });
      assert.equal(add, null);
      assert.equal(finding.status, "bad");
      assert.doesNotMatch(finding.remedy ?? "", /--allowed-address/);
      assert.match(finding.remedy ?? "", /--disable-port-security p1; the VM's own firewall/);
    }
  }
  assert.match(
    advise(many, { remoteGroups: ["g1"] }).finding.remedy ?? "",
    /^allow the port's addresses where rules let in/,
  );
});

Deno.test("adviseForwarding() finds the pairs that opened a security group to everybody", () => {
  const pairs = [{ ip_address: "0.0.0.0/0" }];
  const { finding, add } = advise(["10.8.0.0/16"], { pairs, remoteGroups: ["g1"] });
  assert.deepEqual([finding.status, add], ["bad", null]);
  assert.match(
    finding.detail,
    /0.0.0.0\/0, which lets everybody in wherever a rule lets in security group g1/,
  );
  assert.equal(advise(["10.8.0.0/16"], { pairs }).finding.status, "ok");
});

Deno.test("adviseForwarding() is content with port security off, and with pairs that have all prefixes", () => {
  assert.equal(advise(["10.8.0.0/16"], { off: true }).finding.status, "ok");
  const pairs = [{ ip_address: "10.8.0.0/16", mac_address: mac }, { ip_address: "10.9.0.1" }];
  assert.equal(advise(["10.8.3.0/24", "10.9.0.1/32"], { pairs }).finding.status, "ok");
});

Deno.test("adviseForwarding() counts no pair of another MAC address", () => {
  const pairs = [{ ip_address: "10.8.0.0/16", mac_address: "fa:16:3e:00:00:02" }];
  assert.deepEqual(advise(["10.8.0.0/16"], { pairs }).add, ["10.8.0.0/16"]);
});

Deno.test("adviseForwarding() finds no fault where no route needs anything", () => {
  const { finding, add } = advise([]);
  assert.deepEqual([finding.status, add], ["unknown", null]);
});
