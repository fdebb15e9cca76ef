"""How an app on AKS reads a secret from Key Vault without holding a password, five ways.

Notebooks call the modules beside this file; the sandbox under `sandbox/` is what they talk to by
default. Importing this package imports no SDK.
"""
