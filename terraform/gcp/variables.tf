variable "project" {
  description = "Id of the project in which everything is made"
  type        = string
}

variable "region" {
  description = "Region of the subnet"
  type        = string
  default     = "europe-west1"
}

variable "zone" {
  description = "Zone of the routers, in the region"
  type        = string
  default     = "europe-west1-b"
}

variable "binary_url" {
  description = "Where the VMs download cloudroutesync for linux/amd64 from"
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
  description = "Range of the subnet that the routers are in"
  type        = string
  default     = "10.10.0.0/24"
}

variable "machine_type" {
  description = "Machine type of the routers"
  type        = string
  default     = "e2-small"
}

variable "interface" {
  description = "Name of the first network interface inside the guest"
  type        = string
  default     = "ens4"
}
