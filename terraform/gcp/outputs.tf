output "ssh" {
  description = "How to log in to each router"
  value = {
    for name, router in google_compute_instance.router :
    name => "gcloud compute ssh ${name} --project=${var.project} --zone=${var.zone} --tunnel-through-iap"
  }
}

output "routes" {
  description = "How to list what cloudroutesync has written"
  value       = "gcloud compute routes list --project=${var.project} --filter='network:cloudroutesync AND name~^crs-'"
}
