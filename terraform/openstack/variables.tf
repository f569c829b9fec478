variable "auth_url" {
  description = "Keystone's URL as the VM reaches it, such as https://keystone.example:5000/v3"
  type        = string
}

variable "region" {
  description = "Region of all that is made; null where the cloud has but one"
  type        = string
  default     = null
}

variable "external_network" {
  description = "Name of the network that floating IPs come from"
  type        = string
}

variable "image" {
  description = "Name of an image with cloud-init and apt, such as Debian 12 or Ubuntu 24.04"
  type        = string
}

variable "flavor" {
  description = "Flavor of the VMs; one core and 1 GB of memory are enough"
  type        = string
}

variable "key_pair" {
  description = "Name of the key pair to log in with"
  type        = string
}

variable "binary_url" {
  description = "Where the router downloads cloudroutesync for linux/amd64 from"
  type        = string
  default     = "https://github.com/networkop/cloudroutesync/releases/download/v1.1.0/cloudroutesync-1.1.0-linux-x86_64"
}

variable "binary_sha256" {
  description = "SHA-256 of that file, in hexadecimal; empty: what SHA256SUMS in the same folder says"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9a-f]{64})?$", var.binary_sha256))
    error_message = "binary_sha256 must be 64 hexadecimal digits, or empty."
  }
}

variable "subnet" {
  description = "Range of the subnet that both VMs are in"
  type        = string
  default     = "10.20.0.0/24"
}

variable "announced" {
  description = "Range of the addresses that the vm announces, which both VMs may forward"
  type        = string
  default     = "198.51.100.0/24"
}

variable "ssh_from" {
  description = "Range from which SSH is let in"
  type        = string
  default     = "0.0.0.0/0"
}
