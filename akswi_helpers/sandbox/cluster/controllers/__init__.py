"""What keeps a cluster as it was asked to be: controllers, the scheduler, garbage collection."""
