# The least role that cloudroutesync needs: the actions that `cloudroutesync doctor -policy -cloud azure` prints.
resource "azurerm_role_definition" "router" {
  name        = "${var.prefix}-router"
  scope       = azurerm_resource_group.this.id
  description = "Keeps a route table in step with the routes of a VM's kernel"

  permissions {
    actions = [
      "Microsoft.Network/networkInterfaces/read",
      "Microsoft.Network/virtualNetworks/read",
      "Microsoft.Network/virtualNetworks/subnets/read",
      "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/read",
      "Microsoft.Compute/virtualMachines/instanceView/read",
      "Microsoft.Network/routeTables/read",
      "Microsoft.Network/routeTables/write",
      "Microsoft.Network/routeTables/delete",
      "Microsoft.Network/routeTables/routes/write",
      "Microsoft.Network/virtualNetworks/subnets/write",
      "Microsoft.Network/virtualNetworks/subnets/join/action",
      "Microsoft.Network/routeTables/join/action",
      "Microsoft.Network/networkSecurityGroups/join/action",
      "Microsoft.Network/natGateways/join/action",
      "Microsoft.Network/serviceEndpointPolicies/join/action",
    ]
  }

  assignable_scopes = [azurerm_resource_group.this.id]
}

resource "azurerm_role_assignment" "router" {
  scope              = azurerm_resource_group.this.id
  role_definition_id = azurerm_role_definition.router.role_definition_resource_id
  principal_id       = azurerm_linux_virtual_machine.this["router"].identity[0].principal_id
}

# How many routes a table takes is asked for at the subscription, which a role of the resource group does not reach. Without it
# 1,000 is assumed, and a table that is full before is found out by what it takes.
resource "azurerm_role_definition" "limits" {
  name        = "${var.prefix}-limits"
  scope       = "/subscriptions/${var.subscription_id}"
  description = "Reads the limits of the network"

  permissions {
    actions = ["Microsoft.Network/locations/usages/read"]
  }

  assignable_scopes = ["/subscriptions/${var.subscription_id}"]
}

resource "azurerm_role_assignment" "limits" {
  scope              = "/subscriptions/${var.subscription_id}"
  role_definition_id = azurerm_role_definition.limits.role_definition_resource_id
  principal_id       = azurerm_linux_virtual_machine.this["router"].identity[0].principal_id
}
