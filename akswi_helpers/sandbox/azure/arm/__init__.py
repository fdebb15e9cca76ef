"""Azure Resource Manager: groups, resources, deployments, identities, role assignments."""
