"""Names for the values that travel through this package, each with an example.

Left out: anything with behaviour; these are aliases that make signatures readable.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]  # {"properties": {"vaultUri": "https://kv-lab.vault.azure.net/"}}
ResourceId: TypeAlias = str  # "/subscriptions/…/providers/Microsoft.KeyVault/vaults/kv-lab"
ObjectId: TypeAlias = str  # "8a3b…-…", a principal in Entra ID
ClientId: TypeAlias = (
    str  # "51c2…-…", what the same principal calls itself when it asks for a token
)
Jws: TypeAlias = str  # "eyJhbGciOi….eyJhdWQiOi….c2lnbmF0dXJl"
Url: TypeAlias = str  # "https://westeurope.oic.prod-aks.azure.com/…/…/"
Seconds: TypeAlias = float  # Unix time, UTC, or a length of time; the name says which
