"""How Key Vault's data plane shows a secret.

Source: https://learn.microsoft.com/rest/api/keyvault/secrets and recorded exchanges.
"""

from __future__ import annotations

from akswi_helpers.types import Json


def url_of(vault: Json) -> str:
    """The vault's address, without a slash at its end."""
    return str(vault["properties"]["vaultUri"]).rstrip("/")


def attributes_of(version: Json, vault: Json) -> Json:
    """A version's attributes."""
    days = vault["properties"]["softDeleteRetentionInDays"]
    level = "Recoverable+Purgeable" if days == 90 else "CustomizedRecoverable+Purgeable"
    if vault["properties"].get("enablePurgeProtection"):
        level = level.replace("+Purgeable", "")
    names = ("enabled", "nbf", "exp", "created", "updated")
    shown = {name: version[name] for name in names if name in version}
    return {**shown, "recoveryLevel": level, "recoverableDays": days}


def bundle(vault: Json, secret: Json, version: Json, *, value: bool = True) -> Json:
    """One version of a secret, with or without its value."""
    told = {"value": version["value"]} if value else {}
    kind = {"contentType": version["contentType"]} if "contentType" in version else {}
    return {
        **told,
        **kind,
        "id": f"{url_of(vault)}/secrets/{secret['name']}/{version['version']}",
        "attributes": attributes_of(version, vault),
        "tags": version["tags"],
    }


def item(vault: Json, secret: Json, version: Json, *, versioned: bool = False) -> Json:
    """A secret or a version in a list: no value."""
    shown = bundle(vault, secret, version, value=False)
    return shown if versioned else {**shown, "id": shown["id"].rpartition("/")[0]}


def deletion(vault: Json, secret: Json) -> Json:
    """What a deleted secret has besides."""
    return {
        "recoveryId": f"{url_of(vault)}/deletedsecrets/{secret['name']}",
        "deletedDate": secret["deleted"]["at"],
        "scheduledPurgeDate": secret["deleted"]["purge"],
    }
