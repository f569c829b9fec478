/** What the program must be allowed in each cloud, made of the policies that `doctor -policy` prints. */

import { iamPolicy } from "../../../src/clouds/aws/permissions.ts";
import { customRole as azureRole } from "../../../src/clouds/azure/permissions.ts";
import {
  instancePermissions,
  networkPermissions,
  peerPermissions,
} from "../../../src/clouds/gcp/permissions.ts";
import { accessRules } from "../../../src/clouds/openstack/permissions.ts";

/** One row a cloud: its name, actions to look, to write routes, and for a table of the program's own. */
export function permissionRows(): string[][] {
  return [awsRow(), azureRow(), gcpRow(), openstackRow()];
}

function awsRow(): string[] {
  const handed = awsActions(["rtb-1"]);
  const own = awsActions([]).filter((action) => !handed.includes(action));
  const reads = (action: string): boolean => /:(Describe|Get)/.test(action);
  return ["AWS", code(handed.filter(reads)), code(handed.filter((action) => !reads(action))), code(own)];
}

function awsActions(routeTables: readonly string[]): readonly string[] {
  const scope = { owner: "cloudroutesync", region: "*", accountId: "*", vpcId: "*", routeTables };
  const { Statement } = JSON.parse(iamPolicy(scope)) as { Statement: readonly { Action: string[] }[] };
  return [...new Set(Statement.flatMap(({ Action }) => Action))];
}

function azureRow(): string[] {
  const { Actions } = JSON.parse(azureRole("/")) as { Actions: readonly string[] };
  const short = Actions.map((action) => action.replace(/^Microsoft\.Network\//, ""));
  const reads = short.filter((action) => action.endsWith("/read"));
  // Whatever joins or changes a subnet is for the association, and only a table of its own is deleted.
  const own = short.filter((action) => /join|subnets\/write|routeTables\/delete/.test(action));
  const writes = short.filter((action) => !reads.includes(action) && !own.includes(action));
  return ["Azure", code(reads), code(writes), code(own)];
}

function gcpRow(): string[] {
  const all = [...networkPermissions, ...instancePermissions, ...peerPermissions];
  const reads = (permission: string): boolean => /\.(get|list)[A-Za-z]*$/.test(permission);
  return [
    "Google Cloud",
    code(all.filter(reads)),
    code(all.filter((permission) => !reads(permission))),
    "the network is the table",
  ];
}

function openstackRow(): string[] {
  const calls = (reads: boolean): string =>
    code(
      accessRules.filter(({ method }) => (method === "GET") === reads).map((rule) =>
        `${rule.method} ${rule.path}`
      ),
    );
  return ["OpenStack", calls(true), calls(false), "the router is the table"];
}

function code(actions: readonly string[]): string {
  return actions.map((action) => `\`${action}\``).join(", ");
}
