terraform {
  required_version = ">= 1.5"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }
}

provider "azurerm" {
  features {}

  subscription_id = var.subscription_id

  # Version 5 of the provider registers none by itself, and a new subscription has neither.
  resource_providers_to_register = ["Microsoft.Compute", "Microsoft.Network"]
}
