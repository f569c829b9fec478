variable "subscription_id" {
  description = "Id of the subscription in which everything is made"
  type        = string
}

variable "location" {
  description = "Region of everything"
  type        = string
  default     = "westeurope"
}

variable "prefix" {
  description = "What the names of all resources begin with"
  type        = string
  default     = "cloudroutesync"
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

variable "ssh_source" {
  description = "Range that may connect by SSH, such as 203.0.113.7/32"
  type        = string
}

variable "username" {
  description = "Name of the administrator on both VMs"
  type        = string
  default     = "example"
}

variable "public_key_path" {
  description = "File with the administrator's public SSH key"
  type        = string
  default     = "~/.ssh/id_ed25519.pub"
}

variable "network" {
  description = "Address space of the virtual network"
  type        = string
  default     = "10.0.0.0/16"
}

variable "subnet" {
  description = "Range of the subnet that both VMs are in, inside the network"
  type        = string
  default     = "10.0.1.0/24"
}

variable "announced_range" {
  description = "Range that the VM announces prefixes of"
  type        = string
  default     = "198.51.100.0/24"
}

variable "vm_size" {
  description = "Size of both VMs"
  type        = string
  default     = "Standard_B1ms"
}
