resource "google_service_account" "router" {
  account_id   = "cloudroutesync"
  display_name = "Router VMs that run cloudroutesync"
}

# The same permissions as `cloudroutesync doctor -policy` prints; a test compares the two.
resource "google_project_iam_custom_role" "router" {
  role_id     = "cloudroutesync"
  title       = "cloudroutesync"
  description = "Keeps the routes of a VPC network in step with the kernel of a router VM"
  permissions = [
    "compute.globalOperations.get",
    "compute.instances.get",
    "compute.instances.list",
    "compute.instances.use",
    "compute.networks.get",
    "compute.networks.listPeeringRoutes",
    "compute.networks.updatePolicy",
    "compute.routes.create",
    "compute.routes.delete",
    "compute.routes.get",
    "compute.routes.list",
    "compute.subnetworks.get",
    "compute.subnetworks.list",
  ]
}

resource "google_project_iam_member" "router" {
  project = var.project
  role    = google_project_iam_custom_role.router.id
  member  = google_service_account.router.member
}
