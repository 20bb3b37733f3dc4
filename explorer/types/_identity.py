"""Identity by content: the hash and the one JSON text of a value."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest(*parts: str | bytes) -> str:
    """Hex digest (32 characters of SHA-256) that identifies a value by its content."""
    h = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        h.update(len(raw).to_bytes(8, "little"))
        h.update(raw)
    return h.hexdigest()[:32]


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
