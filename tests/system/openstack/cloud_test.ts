/** The OpenStack cloud against the real Keystone and Neutron. They take long to start, so that all tests share one run: by concern in `steps/`. */

import { testOnRig } from "./rig_steps.ts";
import { doctorSteps } from "./steps/doctor.ts";
import { handedOverSteps } from "./steps/handed_over.ts";
import { identitySteps } from "./steps/identity.ts";
import { loginSteps } from "./steps/credentials.ts";
import { ownerSteps } from "./steps/owners.ts";
import { otherProjectSteps } from "./steps/other_projects.ts";
import { refusalSteps } from "./steps/errors.ts";
import { twoPortSteps } from "./steps/two_ports.ts";
import { writeSteps } from "./steps/writer.ts";

testOnRig({
  ...identitySteps,
  ...twoPortSteps,
  ...handedOverSteps,
  ...writeSteps,
  ...refusalSteps,
  ...loginSteps,
  ...doctorSteps,
  ...ownerSteps,
  ...otherProjectSteps,
});
