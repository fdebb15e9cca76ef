"""Virtual machine scale sets: the groups of nodes, and the IMDS that each node meets."""
