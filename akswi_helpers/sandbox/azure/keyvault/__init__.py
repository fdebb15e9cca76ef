"""Key Vault: vaults on ARM, secrets on the data plane, both with soft delete."""
