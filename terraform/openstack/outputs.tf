output "ssh" {
  description = "How to log in: to the router, and by way of it to the VM (the user is the image's)"
  value = {
    router = "ssh debian@${openstack_networking_floatingip_v2.router.address}"
    vm     = "ssh -J debian@${openstack_networking_floatingip_v2.router.address} debian@${local.addresses.vm}"
  }
}

output "routes" {
  description = "How to list what cloudroutesync has written"
  value       = "openstack router show ${openstack_networking_router_v2.this.id} -c routes"
}
