locals {
  # Two routers that learn each other's prefix by BGP; each writes what it has learned into the network's routes.
  routers = {
    router-a = {
      address  = cidrhost(var.subnet, 10)
      asn      = 65001
      prefix   = "192.168.1.0/24"
      loopback = "192.168.1.1/24"
      peer     = "router-b"
    }
    router-b = {
      address  = cidrhost(var.subnet, 20)
      asn      = 65002
      prefix   = "192.168.2.0/24"
      loopback = "192.168.2.1/24"
      peer     = "router-a"
    }
  }

  gateway = cidrhost(var.subnet, 1)

  frr_config = {
    for name, router in local.routers : name => templatefile("${path.module}/frr.conf.tftpl", {
      name         = name
      interface    = var.interface
      address      = router.address
      asn          = router.asn
      prefix       = router.prefix
      loopback     = router.loopback
      peer_address = local.routers[router.peer].address
      peer_asn     = local.routers[router.peer].asn
    })
  }
}

resource "google_compute_network" "this" {
  name                    = "cloudroutesync"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "routers" {
  name          = "cloudroutesync-routers"
  network       = google_compute_network.this.id
  region        = var.region
  ip_cidr_range = var.subnet
}

# BGP, ping and whatever the routers forward for one another.
resource "google_compute_firewall" "inside" {
  name          = "cloudroutesync-inside"
  network       = google_compute_network.this.id
  source_ranges = concat([var.subnet], [for router in local.routers : router.prefix])

  allow {
    protocol = "icmp"
  }

  allow {
    protocol = "tcp"
    ports    = ["179"]
  }
}

# SSH by way of Identity-Aware Proxy only.
resource "google_compute_firewall" "ssh" {
  name          = "cloudroutesync-ssh"
  network       = google_compute_network.this.id
  source_ranges = ["35.235.240.0/20"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_compute_instance" "router" {
  for_each = local.routers

  name         = each.key
  machine_type = var.machine_type
  zone         = var.zone

  # Without it Google drops what the VM forwards; it cannot be changed once the VM exists.
  can_ip_forward = true

  boot_disk {
    initialize_params {
      # Google's Ubuntu images have cloud-init, its Debian images have not.
      image = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.routers.id
    network_ip = each.value.address

    # An address of its own for the downloads; a Cloud NAT does as well.
    access_config {}
  }

  service_account {
    email  = google_service_account.router.email
    scopes = ["cloud-platform"]
  }

  metadata = {
    user-data = templatefile("${path.module}/../cloud-init/user-data.yaml", {
      binary_url    = var.binary_url
      binary_sha256 = var.binary_sha256
      cloud         = "gcp"
      environment   = { CLOUDROUTESYNC_OWNER = each.key }
      frr_config    = local.frr_config[each.key]
    })

    # Runs at every start: see "The guest has a /32" in the README.
    startup-script = templatefile("${path.module}/neighbour.sh.tftpl", {
      interface    = var.interface
      gateway      = local.gateway
      peer_address = local.routers[each.value.peer].address
    })
  }

  depends_on = [google_project_iam_member.router]
}
