resource "openstack_networking_network_v2" "this" {
  region = var.region
  name   = "cloudroutesync"
}

resource "openstack_networking_subnet_v2" "this" {
  region     = var.region
  name       = "cloudroutesync"
  network_id = openstack_networking_network_v2.this.id
  cidr       = var.subnet
}

data "openstack_networking_network_v2" "external" {
  region = var.region
  name   = var.external_network
}

# The table: cloudroutesync writes its extra routes. Terraform knows of none, so it leaves them alone.
resource "openstack_networking_router_v2" "this" {
  region              = var.region
  name                = "cloudroutesync"
  external_network_id = data.openstack_networking_network_v2.external.id
}

resource "openstack_networking_router_interface_v2" "this" {
  region    = var.region
  router_id = openstack_networking_router_v2.this.id
  subnet_id = openstack_networking_subnet_v2.this.id
}

resource "openstack_networking_secgroup_v2" "this" {
  region      = var.region
  name        = "cloudroutesync"
  description = "BGP between the VMs, ping from anywhere, SSH"
}

resource "openstack_networking_secgroup_rule_v2" "bgp" {
  region            = var.region
  security_group_id = openstack_networking_secgroup_v2.this.id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 179
  port_range_max    = 179
  remote_ip_prefix  = var.subnet
}

resource "openstack_networking_secgroup_rule_v2" "ping" {
  region            = var.region
  security_group_id = openstack_networking_secgroup_v2.this.id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "icmp"
  remote_ip_prefix  = "0.0.0.0/0"
}

resource "openstack_networking_secgroup_rule_v2" "ssh" {
  region            = var.region
  security_group_id = openstack_networking_secgroup_v2.this.id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 22
  port_range_max    = 22
  remote_ip_prefix  = var.ssh_from
}

resource "openstack_networking_port_v2" "this" {
  for_each = local.addresses

  region             = var.region
  name               = "cloudroutesync-${each.key}"
  network_id         = openstack_networking_network_v2.this.id
  security_group_ids = [openstack_networking_secgroup_v2.this.id]

  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.this.id
    ip_address = each.value
  }

  # Without it Neutron drops what the port sends with other sources than its own address: all that a router forwards. Never 0.0.0.0/0: to
  # a rule that names the port's security group as a remote group, every address here is a member of it.
  allowed_address_pairs {
    ip_address = var.announced
  }
}

resource "openstack_networking_floatingip_v2" "router" {
  region  = var.region
  pool    = var.external_network
  port_id = openstack_networking_port_v2.this["router"].id

  depends_on = [openstack_networking_router_interface_v2.this]
}
