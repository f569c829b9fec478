# What the router logs in with: it may do what `cloudroutesync doctor -policy` prints, and nothing else. It acts in the project
# of whoever runs Terraform, and ends with that user.
resource "openstack_identity_application_credential_v3" "router" {
  region      = var.region
  name        = "cloudroutesync"
  description = "Keeps the extra routes of a Neutron router in step with the kernel of a router VM"
  roles       = ["member"]

  dynamic "access_rules" {
    for_each = jsondecode(file("${path.module}/access_rules.json"))

    content {
      service = access_rules.value.service
      method  = access_rules.value.method
      path    = access_rules.value.path
    }
  }
}
