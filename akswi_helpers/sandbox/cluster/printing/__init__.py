"""What `kubectl get` prints of objects."""
