/** Pods of a test's own: network namespaces wired to a node's as Calico and as kube-router wire them. */

import { Namespace } from "../namespace.ts";

/** Where a Calico pod sends everything; nobody has the address, the node answers for it. */
const calicoGateway = "169.254.1.1";

/** A pod as Calico makes it: a /32 route out of a device of its own, no address on the node's side. */
export async function calicoPod(node: Namespace, device: string, address: string): Promise<Namespace> {
  const pod = await Namespace.create();
  await node.batch([
    `link add ${device} type veth peer name eth0 netns ${pod.pid}`,
    `link set ${device} up`,
    `route add ${address}/32 dev ${device} scope link`,
  ]);
  await node.sysctl(`net/ipv4/conf/${device}/proxy_arp`, 1);
  await node.sysctl("net/ipv4/ip_forward", 1);
  await pod.batch([
    `address add ${address}/32 dev eth0`,
    "link set eth0 up",
    `route add ${calicoGateway} dev eth0 scope link`,
    `route add default via ${calicoGateway}`,
  ]);
  return pod;
}

/** A pod as kube-router makes it: a port of the node's kube-bridge, which has the node's pod network. */
export async function bridgedPod(
  node: Namespace,
  bridge: { readonly address: string; readonly length: number },
  address: string,
): Promise<Namespace> {
  const pod = await Namespace.create();
  await node.batch([
    "link add kube-bridge type bridge",
    "link set kube-bridge up",
    `address add ${bridge.address}/${bridge.length} dev kube-bridge`,
    `link add pod0 type veth peer name eth0 netns ${pod.pid}`,
    "link set pod0 master kube-bridge",
    "link set pod0 up",
  ]);
  await node.sysctl("net/ipv4/ip_forward", 1);
  await pod.batch([
    `address add ${address}/${bridge.length} dev eth0`,
    "link set eth0 up",
    `route add default via ${bridge.address}`,
  ]);
  return pod;
}
