output "ssh" {
  description = "How to reach each VM"
  value       = { for name, address in azurerm_public_ip.this : name => "ssh ${var.username}@${address.ip_address}" }
}

output "private_addresses" {
  description = "What the VMs know each other by"
  value       = { for name, machine in local.machines : name => machine.address }
}
