locals {
  # Azure keeps the first four addresses of a subnet for itself.
  router_address = cidrhost(var.subnet, 4)
  vm_address     = cidrhost(var.subnet, 5)

  machines = {
    router = {
      address = local.router_address
      user_data = templatefile("${path.module}/../cloud-init/user-data.yaml", {
        binary_url    = var.binary_url
        binary_sha256 = var.binary_sha256
        cloud         = "azure"
        environment   = {}
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

resource "azurerm_resource_group" "this" {
  name     = "${var.prefix}-resources"
  location = var.location
}

resource "azurerm_virtual_network" "this" {
  name                = "${var.prefix}-network"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  address_space       = [var.network]
}

# Its route table is cloudroutesync's business: none is set here.
resource "azurerm_subnet" "internal" {
  name                 = "internal"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [var.subnet]
}

resource "azurerm_network_security_group" "this" {
  name                = "${var.prefix}-security"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location

  security_rule {
    name                       = "ssh"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefix      = var.ssh_source
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "22"
  }

  # What is announced lies outside of the network, so the rule for traffic inside of it does not cover it.
  security_rule {
    name                       = "announced"
    priority                   = 110
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_address_prefix      = var.announced_range
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }

  # Replies to what is announced, forwarded by the router.
  security_rule {
    name                       = "to-announced"
    priority                   = 120
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "*"
    source_address_prefix      = var.subnet
    source_port_range          = "*"
    destination_address_prefix = var.announced_range
    destination_port_range     = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "internal" {
  subnet_id                 = azurerm_subnet.internal.id
  network_security_group_id = azurerm_network_security_group.this.id
}

resource "azurerm_public_ip" "this" {
  for_each = local.machines

  name                = "${var.prefix}-${each.key}-public"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_network_interface" "this" {
  for_each = local.machines

  name                = "${var.prefix}-${each.key}-nic"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location

  # Without it Azure drops packets from or to an address that is not the interface's own: the router forwards such, and the VM
  # sends them from its loopback address.
  ip_forwarding_enabled = true

  ip_configuration {
    name                          = "primary"
    subnet_id                     = azurerm_subnet.internal.id
    private_ip_address_allocation = "Static"
    private_ip_address            = each.value.address
    public_ip_address_id          = azurerm_public_ip.this[each.key].id
  }
}

resource "azurerm_linux_virtual_machine" "this" {
  for_each = local.machines

  name                  = "${var.prefix}-${each.key}"
  resource_group_name   = azurerm_resource_group.this.name
  location              = azurerm_resource_group.this.location
  size                  = var.vm_size
  network_interface_ids = [azurerm_network_interface.this[each.key].id]
  admin_username        = var.username
  custom_data           = base64encode(each.value.user_data)

  admin_ssh_key {
    username   = var.username
    public_key = file(pathexpand(var.public_key_path))
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }

  source_image_reference {
    publisher = "Canonical"
    offer     = "ubuntu-24_04-lts"
    sku       = "server"
    version   = "latest"
  }

  # Only the router speaks to Azure.
  dynamic "identity" {
    for_each = each.key == "router" ? [1] : []

    content {
      type = "SystemAssigned"
    }
  }
}
