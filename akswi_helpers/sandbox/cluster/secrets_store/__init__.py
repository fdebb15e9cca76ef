"""The Secrets Store CSI driver and its Azure Key Vault provider, as AKS runs them on every node."""
