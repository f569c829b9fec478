/** A process of its own that adds routes to an embedded cloud: `local_writer.ts FILE OWNER FIRST COUNT`. */

import { openLocal } from "../../../src/clouds/local/local.ts";
import { addChange } from "../cloud_routes.ts";
import { localOptions } from "../cloud_options.ts";
import { ConnectedCloud } from "../connected_cloud.ts";

const [file = "", owner = "", first = "", count = ""] = Deno.args;
const never = new AbortController().signal;
const cloud = new ConnectedCloud(openLocal(localOptions(file, { owner })));
const [table] = await cloud.locate(never);
if (table === undefined) throw new Error("The embedded cloud has one table");
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const state = await cloud.read(table, never);
  const { outcomes } = await cloud.write(table, [addChange(`10.${number}.0.0/16`, "10.0.0.4")], state, never);
  const [failure] = outcomes;
  if (failure) throw failure;
}
