import assert from "node:assert/strict";
import { withLiteralNames } from "../../../.ci/bundle.ts";

Deno.test("a computed name of a schema becomes the text of its constant", () => {
  const source = [
    'const _xN = "xmlName";',
    'const _eQN = "ec2QueryName";',
    "export var Count$ = [3, 0, _xN, [[1, { [_eQN]: `Min`,",
    "                [_xN]: _eQN }]]];",
  ].join("\n");
  assert.equal(
    withLiteralNames(source),
    [
      'const _xN = "xmlName";',
      'const _eQN = "ec2QueryName";',
      'export var Count$ = [3, 0, _xN, [[1, { "ec2QueryName": `Min`,',
      '                "xmlName": _eQN }]]];',
    ].join("\n"),
  );
});

Deno.test("a computed name of which nothing is known stays, and so does an array in brackets", () => {
  const source =
    'const _a = "b";\nvar schema = { [other]: 1 };\nvar list = [_a, [_a]];\nvar chosen = yes ? [_a] : [];\n';
  assert.equal(withLiteralNames(source), source);
});
