"""What a real API server answered, read once: each case with what was sent and what came back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "vectors"


def cases(name: str) -> list[dict[str, Any]]:
    """The recorded cases of one file: "defaults", "refusals" or "protobuf"."""
    found: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text())["cases"]
    return found
