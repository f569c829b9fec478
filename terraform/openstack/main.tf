locals {
  addresses = {
    router = cidrhost(var.subnet, 10)
    vm     = cidrhost(var.subnet, 20)
  }

  region_of_login = var.region == null ? {} : { OS_REGION_NAME = var.region }

  user_data = {
    router = templatefile("${path.module}/../cloud-init/user-data.yaml", {
      binary_url    = var.binary_url
      binary_sha256 = var.binary_sha256
      cloud         = "openstack"
      environment = merge(local.region_of_login, {
        OS_AUTH_TYPE                     = "v3applicationcredential"
        OS_AUTH_URL                      = var.auth_url
        OS_APPLICATION_CREDENTIAL_ID     = openstack_identity_application_credential_v3.router.id
        OS_APPLICATION_CREDENTIAL_SECRET = openstack_identity_application_credential_v3.router.secret
      })
      frr_config = templatefile("${path.module}/frr.conf.tftpl", {
        address = local.addresses.router
        subnet  = var.subnet
      })
    })
    vm = file("${path.module}/vm-user-data.yaml")
  }
}

resource "openstack_compute_instance_v2" "this" {
  for_each = local.addresses

  region      = var.region
  name        = "cloudroutesync-${each.key}"
  image_name  = var.image
  flavor_name = var.flavor
  key_pair    = var.key_pair
  user_data   = local.user_data[each.key]

  network {
    port = openstack_networking_port_v2.this[each.key].id
  }

  # The first thing that they do is download.
  depends_on = [openstack_networking_router_interface_v2.this]
}
