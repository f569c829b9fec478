locals {
  # AWS keeps the first four addresses of a subnet for itself.
  router_address = cidrhost(var.subnet, 4)
  vm_address     = cidrhost(var.subnet, 5)

  machines = {
    router = {
      address = local.router_address
      user_data = templatefile("${path.module}/../cloud-init/user-data.yaml", {
        binary_url    = var.binary_url
        binary_sha256 = var.binary_sha256
        cloud         = "aws"
        environment   = { CLOUDROUTESYNC_OWNER = var.owner }
        frr_config = templatefile("${path.module}/frr.conf.tftpl", {
          address = local.router_address
          subnet  = var.subnet
        })
      })
    }
    vm = {
      address   = local.vm_address
      user_data = file("${path.module}/vm-user-data.yaml")
    }
  }
}

data "aws_ami" "ubuntu" {
  most_recent = true
  owners      = ["099720109477"] # Canonical

  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.network
  enable_dns_hostnames = true

  tags = { Name = var.prefix }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.prefix }
}

# The subnet's way out stands in the main table. cloudroutesync makes a table of its own, carries this route over and associates
# the subnet; no association is set here, or Terraform would take it back.
resource "aws_route" "default" {
  route_table_id         = aws_vpc.this.main_route_table_id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = var.subnet

  tags = { Name = var.prefix }
}

resource "aws_security_group" "this" {
  name        = "${var.prefix}-vms"
  description = "BGP inside the VPC, SSH from one range, and what is announced"
  vpc_id      = aws_vpc.this.id

  tags = { Name = var.prefix }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.this.id
  description       = "SSH"
  cidr_ipv4         = var.ssh_source
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_ingress_rule" "bgp" {
  security_group_id = aws_security_group.this.id
  description       = "BGP from inside the VPC"
  cidr_ipv4         = var.network
  ip_protocol       = "tcp"
  from_port         = 179
  to_port           = 179
}

resource "aws_vpc_security_group_ingress_rule" "ping" {
  security_group_id = aws_security_group.this.id
  description       = "ICMP from inside the VPC"
  cidr_ipv4         = var.network
  ip_protocol       = "icmp"
  from_port         = -1
  to_port           = -1
}

# What is announced lies outside of the VPC, so the rules for traffic inside of it do not cover it.
resource "aws_vpc_security_group_ingress_rule" "announced" {
  security_group_id = aws_security_group.this.id
  description       = "Whatever comes from announced prefixes"
  cidr_ipv4         = var.announced_range
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.this.id
  description       = "Everything out"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_key_pair" "this" {
  key_name   = var.prefix
  public_key = file(pathexpand(var.public_key_path))
}

resource "aws_network_interface" "this" {
  for_each = local.machines

  subnet_id       = aws_subnet.this.id
  private_ips     = [each.value.address]
  security_groups = [aws_security_group.this.id]

  # With it EC2 drops packets from or to an address that is not the interface's own: the router forwards such, and the VM sends
  # them from its loopback address.
  source_dest_check = false

  tags = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_instance" "this" {
  for_each = local.machines

  ami                  = data.aws_ami.ubuntu.id
  instance_type        = var.instance_type
  key_name             = aws_key_pair.this.key_name
  user_data            = each.value.user_data
  iam_instance_profile = each.key == "router" ? aws_iam_instance_profile.router.name : null

  primary_network_interface {
    network_interface_id = aws_network_interface.this[each.key].id
  }

  # Version 2 of the metadata service only. One hop is enough for a service of the VM itself; a container needs two.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted = true
  }

  tags = { Name = "${var.prefix}-${each.key}" }

  # cloud-init fetches packages as soon as the VM is up: the way out must be there.
  depends_on = [aws_route.default, aws_eip.this]
}

resource "aws_eip" "this" {
  for_each = local.machines

  domain            = "vpc"
  network_interface = aws_network_interface.this[each.key].id

  tags = { Name = "${var.prefix}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}
