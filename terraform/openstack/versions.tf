terraform {
  required_version = ">= 1.5"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = "~> 3.0"
    }
  }
}

# Logs in as the openstack command does: by OS_CLOUD or the other OS_* variables.
provider "openstack" {}
