/** Whether EC2 lets an interface forward what is not its own: its source/dest check. */

import type { Finding } from "../cloud.ts";
import type { Ec2Api } from "./api.ts";

/** The finding's name. */
export const sourceDestCheck = "source/dest check";

/** Looks at an interface, by its id. @throws {CloudError} if EC2 does not answer, or may not be asked. */
export async function sourceDestFinding(
  api: Pick<Ec2Api, "findNetworkInterfaces">,
  id: string,
  signal: AbortSignal,
): Promise<Finding> {
  const name = sourceDestCheck;
  const found = await api.findNetworkInterfaces([{ Name: "network-interface-id", Values: [id] }], signal);
  const checked = found[0]?.SourceDestCheck;
  if (checked === false) {
    return { name, status: "ok", detail: `${id} forwards packets that are not its own` };
  }
  if (checked === undefined) {
    return { name, status: "unknown", detail: `EC2 does not say whether ${id} is checked` };
  }
  return {
    name,
    status: "bad",
    detail: `${id} drops packets that are not its own, so it cannot be a router`,
    remedy: "run cloudroutesync doctor -fix, or " +
      `aws ec2 modify-network-interface-attribute --network-interface-id ${id} --no-source-dest-check`,
  };
}
