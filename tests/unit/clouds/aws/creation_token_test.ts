import assert from "node:assert/strict";
import { CreationToken } from "../../../../src/clouds/aws/creation_token.ts";

Deno.test("CreationToken is the same for all routers of an owner and VPC for ten minutes, and 64 characters long", () => {
  const at = (minute: number, owner = "me"): CreationToken => new CreationToken(owner, () => minute * 60_000);
  const token = at(0).of("vpc-1");
  assert.match(token, /^[0-9a-f]{64}$/);
  assert.equal(at(9).of("vpc-1"), token);
  for (const other of [at(10).of("vpc-1"), at(0).of("vpc-2"), at(0, "you").of("vpc-1")]) {
    assert.notEqual(other, token);
  }
});

Deno.test("CreationToken stays the same from a try to the next, and is another one where the table proves to be gone", () => {
  let minute = 9;
  const token = new CreationToken("me", () => minute * 60_000);
  const first = token.of("vpc-1");
  minute = 11;
  assert.equal(token.of("vpc-1"), first);
  token.used();
  assert.notEqual(token.of("vpc-1"), first);
  const second = token.of("vpc-1");
  token.failed();
  assert.notEqual(token.of("vpc-1"), second);
});
