output "ssh" {
  description = "How to reach each VM"
  value       = { for name, address in aws_eip.this : name => "ssh ubuntu@${address.public_ip}" }
}

output "private_addresses" {
  description = "What the VMs know each other by"
  value       = { for name, machine in local.machines : name => machine.address }
}

output "vpc_id" {
  description = "The VPC that the route table is made in"
  value       = aws_vpc.this.id
}
