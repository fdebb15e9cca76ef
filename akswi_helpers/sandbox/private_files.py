"""Files and folders that only their owner can read.

A file is 0600 from its first byte and replaced whole, so a crash leaves the old one or the new one.
Left out: Windows' access lists.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from akswi_helpers.types import Json


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path`, mode 0600, in one step."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def write_json(path: Path, document: Json) -> None:
    """Put the document at `path`, mode 0600, in one step."""
    write(path, json.dumps(document, indent=1).encode() + b"\n")


def read_json(path: Path) -> Json:
    """The document at `path`; {} when there is none. Raises ValueError when it is not JSON."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(document, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return document
