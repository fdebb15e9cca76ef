"""Azure Resource Manager's template language and deployment engine."""
