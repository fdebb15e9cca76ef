"""How Azure writes moments.

Source: recorded answers of Resource Manager's providers.
"""

from __future__ import annotations

from datetime import UTC, datetime

from akswi_helpers.types import Seconds


def iso(moment: Seconds) -> str:
    """Unix seconds as "2026-05-04T12:00:00.123456Z"."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def iso_seconds(moment: Seconds) -> str:
    """Unix seconds as "2026-05-04T12:00:00Z"."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")[:-6] + "Z"
