import assert from "node:assert/strict";
import { iamPolicy, type PolicyScope } from "../../../../src/clouds/aws/permissions.ts";

interface Statement {
  readonly Sid: string;
  readonly Action: string[];
  readonly Resource: string | string[];
  readonly Condition?: Record<string, Record<string, string>>;
}

const scope: PolicyScope = {
  owner: "me",
  region: "eu-west-1",
  accountId: "123456789012",
  vpcId: "vpc-1",
  routeTables: [],
};

function statements(of: PolicyScope): Statement[] {
  return JSON.parse(iamPolicy(of)).Statement;
}

const isWrite = (action: string): boolean => !/:(Describe|Get)/.test(action);

Deno.test("iamPolicy() limits every write to resources of this region and account", () => {
  for (const { Sid, Action, Resource } of statements(scope).filter((each) => each.Action.some(isWrite))) {
    for (const resource of [Resource].flat()) {
      assert.match(resource, /^arn:aws:ec2:eu-west-1:123456789012:/, `${Sid} of ${Action}`);
    }
  }
});

Deno.test("iamPolicy() lets routes be written only in tables of the owner", () => {
  const writing = statements(scope).filter((each) => each.Action.includes("ec2:CreateRoute"));
  assert.equal(writing.length, 1);
  assert.deepEqual(writing[0]?.Condition, { StringEquals: { "aws:ResourceTag/cloudroutesync:owner": "me" } });
});

Deno.test("iamPolicy() names handed-over tables and allows neither creation nor association", () => {
  const handed = statements({ ...scope, routeTables: ["rtb-1", "rtb-2"] });
  const actions = handed.flatMap((each) => each.Action);
  assert.ok(!actions.some((action) => /Associate|CreateRouteTable|CreateTags|DeleteRouteTable/.test(action)));
  assert.deepEqual(handed.at(-1)?.Resource, [
    "arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-1",
    "arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-2",
  ]);
});

Deno.test("iamPolicy() lets routes be written in the tables with a tag, and in no other", () => {
  const handed = statements({ ...scope, routeTables: ["tag:crs=yes", "rtb-1", "tag:env=prod"] });
  const writing = handed.filter((each) => each.Action.includes("ec2:CreateRoute"));
  const every = "arn:aws:ec2:eu-west-1:123456789012:route-table/*";
  assert.deepEqual(writing.map(({ Resource, Condition }) => [Resource, Condition]), [
    [["arn:aws:ec2:eu-west-1:123456789012:route-table/rtb-1"], undefined],
    [every, { StringEquals: { "aws:ResourceTag/crs": "yes" } }],
    [every, { StringEquals: { "aws:ResourceTag/env": "prod" } }],
  ]);
  assert.equal(new Set(handed.map(({ Sid }) => Sid)).size, handed.length);
  const tagged = statements({ ...scope, routeTables: ["tag:crs=yes"] });
  assert.equal(tagged.filter((each) => each.Action.includes("ec2:CreateRoute")).length, 1);
});

Deno.test("iamPolicy() speaks of regions in other partitions by these", () => {
  const partitions = {
    "ap-southeast-7": "aws",
    "us-east-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "us-iso-east-1": "aws-iso",
    "us-isob-east-1": "aws-iso-b",
    "eu-isoe-west-1": "aws-iso-e",
    "us-isof-south-1": "aws-iso-f",
    "eusc-de-east-1": "aws-eusc",
  };
  for (const [region, partition] of Object.entries(partitions)) {
    const arns = iamPolicy({ ...scope, region }).match(/arn:[^:]*:ec2:[^:]*:/g) ?? [];
    assert.deepEqual(new Set(arns), new Set([`arn:${partition}:ec2:${region}:`]));
  }
});

Deno.test("iamPolicy() leaves open what is not known", () => {
  const open = { ...scope, region: "*", accountId: "*", vpcId: "*" };
  assert.match(iamPolicy(open), /arn:\*:ec2:\*:\*:route-table\/\*/);
  assert.doesNotMatch(iamPolicy(open), /RequestedRegion|ec2:Vpc/);
});

Deno.test("iamPolicy() allows just what terraform/aws gives its router", async () => {
  const file = new URL("../../../../terraform/aws/iam.tf", import.meta.url);
  const terraform = (await Deno.readTextFile(file)).match(/"(ec2|servicequotas):[A-Z]\w+"/g) ?? [];
  const actions = statements(scope).flatMap((each) => each.Action);
  const given = terraform.map((quoted) => quoted.slice(1, -1)).filter((action) =>
    !/:(Vpc|CreateAction)$/.test(action)
  );
  assert.deepEqual(new Set(given), new Set(actions));
  assert.deepEqual(given.length, actions.length);
});
