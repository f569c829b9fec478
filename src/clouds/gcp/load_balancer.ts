/**
 * The internal passthrough load balancer that `-next-hop-ilb` names: routes point at its forwarding rule in place of this VM, which is
 * one of its backends (https://cloud.google.com/load-balancing/docs/internal/ilb-next-hop-overview).
 */

import { getLogger } from "@logtape/logtape";
import { addressOrNull, type Family, parseAddress } from "../../routes/prefix.ts";
import { CloudError } from "../cloud_error.ts";
import type { ComputeApi } from "./api.ts";
import { shortUrl } from "./resource_url.ts";
import { type ForwardingRuleAnswer, forwardingRuleAnswer, forwardingRuleFields } from "./schemas.ts";
import type { Vm, VmInterface } from "./vm.ts";

const logger = getLogger(["cloudroutesync", "gcp"]);

/** See the head of this file. */
export interface LoadBalancer {
  /** What routes point at, as the program's id and as `nextHopIlb` takes it. */
  readonly id: string;
  readonly nextHopIlb: string;
  /** Of the routes that may point at it: "the IP version of your forwarding rule matches the IP version of the static route". */
  readonly families: readonly Family[];
  /** Null where it is named by its address, or may not be read. */
  readonly rule: ForwardingRuleAnswer | null;
}

/**
 * Finds out what a rule is.
 *
 * @param text its address, its URL or (in the VM's own project and region) its name.
 * @param legs this VM's interfaces in the networks whose routes are to point at it.
 * @throws {CloudError} of kind `invalid` for a rule that no route of these networks can point at.
 */
export async function readLoadBalancer(
  api: ComputeApi,
  vm: Vm,
  text: string,
  legs: readonly VmInterface[],
  signal: AbortSignal,
): Promise<LoadBalancer> {
  const address = addressOrNull(text);
  if (address !== null) {
    return { id: `ilb:${address.text}`, nextHopIlb: address.text, families: [address.family], rule: null };
  }
  const id = pathOf(vm, text);
  const rule = await readRule(api, id, text, signal);
  if (rule === null) return { id, nextHopIlb: id, families: [4, 6], rule };
  refuseUnusable(rule, text, legs);
  return { id, nextHopIlb: id, families: [parseAddress(rule.IPAddress).family], rule };
}

function pathOf(vm: Vm, text: string): string {
  const short = shortUrl(text);
  return short.includes("/")
    ? short.replace(/^(?=regions\/)/, `projects/${vm.project}/`)
    : `projects/${vm.project}/regions/${vm.region}/forwardingRules/${text}`;
}

async function readRule(
  api: ComputeApi,
  path: string,
  text: string,
  signal: AbortSignal,
): Promise<ForwardingRuleAnswer | null> {
  try {
    return await api.send({
      action: `read forwarding rule ${text}`,
      permission: "compute.forwardingRules.get",
      path,
      query: { fields: forwardingRuleFields },
      answer: forwardingRuleAnswer,
    }, signal);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    if (error.kind === "gone") {
      throw new CloudError("invalid", `Cannot use -next-hop-ilb ${text}: there is no ${path}`, {
        cause: error,
      });
    }
    if (error.kind !== "denied") throw error;
    logger.warn("Whether routes of a family can point at the load balancer is not known: {error}", {
      error: error.message,
    });
    return null;
  }
}

function refuseUnusable(rule: ForwardingRuleAnswer, text: string, legs: readonly VmInterface[]): void {
  const why = (reason: string): CloudError =>
    new CloudError("invalid", `Cannot use -next-hop-ilb ${text}: ${reason}`);
  if (rule.loadBalancingScheme !== "INTERNAL") {
    throw why("it is no rule of an internal passthrough load balancer");
  }
  if (rule.network === undefined) return;
  const its = shortUrl(rule.network);
  const other = legs.find(({ network }) => network !== its);
  if (other !== undefined) throw why(`it is in network ${its}, not in ${other.network}`);
}
