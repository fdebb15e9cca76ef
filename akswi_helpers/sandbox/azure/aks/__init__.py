"""Azure Kubernetes Service: managed clusters and their kubeconfigs."""
