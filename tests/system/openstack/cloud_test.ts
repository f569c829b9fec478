/** The OpenStack cloud against the real Keystone and Neutron, which start once for all of it. */

import { testOnRig } from "./rig_steps.ts";
import { doctorSteps } from "./steps/doctor.ts";
import { identitySteps } from "./steps/identity.ts";
import { loginSteps } from "./steps/logins.ts";
import { ownerSteps } from "./steps/owners.ts";
import { otherProjectSteps } from "./steps/other_projects.ts";
import { refusalSteps } from "./steps/refusals.ts";
import { twoPortSteps } from "./steps/two_ports.ts";
import { writeSteps } from "./steps/writes.ts";

testOnRig("openstack cloud, against Keystone and Neutron", {
  ...identitySteps,
  ...twoPortSteps,
  ...writeSteps,
  ...refusalSteps,
  ...loginSteps,
  ...doctorSteps,
  ...ownerSteps,
  ...otherProjectSteps,
});
