/** All cases of the suite, by name. */

import { abortCases } from "./cases/abort.ts";
import { answerCases } from "./cases/answers.ts";
import { clockCases } from "./cases/clock.ts";
import { deadPeerCases } from "./cases/dead_peers.ts";
import { descriptionCases } from "./cases/description.ts";
import { doctorCases } from "./cases/doctor.ts";
import { errorCases } from "./cases/errors.ts";
import { identityCases } from "./cases/identity.ts";
import { limitCases } from "./cases/limits.ts";
import { metadataCases } from "./cases/metadata.ts";
import { neighbourCases } from "./cases/neighbours.ts";
import { ownTableCases } from "./cases/own_table.ts";
import { readingCases } from "./cases/reading.ts";
import { tableCases } from "./cases/tables.ts";
import { tokenCases } from "./cases/tokens.ts";
import { writingCases } from "./cases/writing.ts";

/** The cases. A row says of each that it cannot have one why. */
export const cases = {
  ...identityCases,
  ...metadataCases,
  ...tokenCases,
  ...tableCases,
  ...ownTableCases,
  ...readingCases,
  ...writingCases,
  ...limitCases,
  ...neighbourCases,
  ...deadPeerCases,
  ...errorCases,
  ...answerCases,
  ...abortCases,
  ...clockCases,
  ...doctorCases,
  ...descriptionCases,
};

/** The name of a case. */
export type CaseName = keyof typeof cases;
