/** Groups of routers. */

import type { GroupSettings } from "../../src/sync/group_members.ts";

/** Settings of a router that is alone. */
export const alone: GroupSettings = { peers: [], rank: null, activeAddress: null };
