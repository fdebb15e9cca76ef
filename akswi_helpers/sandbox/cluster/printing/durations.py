"""Lengths of time as kubectl prints them: 5s, 2m3s, 3h, 4d7h.

Source: https://pkg.go.dev/k8s.io/apimachinery/pkg/util/duration. Left out: nothing.
"""

from __future__ import annotations

from datetime import datetime

from akswi_helpers.types import Seconds

_YEAR = 24 * 365  # hours


def human(length: Seconds) -> str:
    """A length in two units at most, fewer the longer it is."""
    seconds = int(length)
    if seconds < -1:
        return "<invalid>"
    minutes, hours = seconds // 60, seconds // 3600
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    return _long(hours)


def since(time: str | None, now: Seconds) -> str:
    """How long ago an RFC 3339 time was, or "<unknown>" when there is none."""
    return human(now - unix(time)) if time else "<unknown>"


def unix(time: str) -> Seconds:
    """An RFC 3339 time as Unix seconds. Raises ValueError."""
    return datetime.fromisoformat(time).timestamp()


def _long(hours: int) -> str:
    days = hours // 24
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if hours < _YEAR * 2:
        return f"{days}d"
    if hours < _YEAR * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
