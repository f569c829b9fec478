/** A metadata service behind a door of the suite's. */

import type { Door } from "../fakes/door.ts";
import type { Match, Tap } from "../fakes/tap.ts";
import type { MetadataControl } from "./rig.ts";

/** Controls the service behind a door. @param isMetadata picks its requests of those that pass the tap. */
export function metadataBehind(door: Door, tap: Tap, isMetadata: Match): MetadataControl {
  return {
    shut: () => door.shut(),
    open: () => door.open(),
    answer: (make) => tap.answer(isMetadata, make),
  };
}

/** Picks requests that came by a door. */
export function cameBy(door: Door): Match {
  return ({ url }) => url.origin === door.url;
}
