"""Inputs made worse: bytes, texts and JSON trees changed at random places, with the values that readers stumble over.

Everything follows from the given generator, so that a seed repeats a run.
"""

from __future__ import annotations

import json
import random
import struct
from typing import Any

WORDS: tuple[bytes, ...] = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1e-999", b"-0.0", b"9" * 25, b"9" * 5000,
    b"1" + b"0" * 400,
    b"null", b"true", b"{}", b"[]", b"[" * 300, b"{\"a\":" * 300, b"\"\\ud800\"", b"\\u0000", b"\x00", b"\xff\xfe",
    b"\xed\xa0\x80", "\u202etxt.exe".encode(), "а".encode(),
    b"../" * 6 + b"etc/passwd", b"/etc/passwd", b"file:///etc/passwd",
    b"'; DROP TABLE checkpoints; --", b"\"", b"'", b"<script>alert(1)</script>", b"![x](http://outside.invalid/x)",
    b"&a [*a]", b"*a", b"<<: *a", b"!!python/object/apply:os.system [true]", b"!!timestamp x", b"!!int ''",
    b"!!binary a",
    b"2001-99-99", b"---\n", b"\n", b"\r", b"\t", b",", b":", b"%00", b"%ed%a0%80", b"%2e%2e%2f", b"(a+)+$", b"({[",
)
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 10**12, -(10**12), 2**63, 10**30, 10**400, 0.5, -0.0, 1e308, 5e-324,
    float("nan"),
    float("inf"), "", " ", "base",
    "x", "1", "nan", "\x00", "\ud800", "\u202e", "a" * 300, "../../secret", "/etc/passwd",
    "<b>", "![](http://outside.invalid)", "{", [], {}, [[]], [0], [None], {"a": {}}, {"": 1}, ["x", 1], {"filter": 1},
)


def deep(depth: int, of: str) -> Any:
    """A list or an object so many levels deep."""
    made: Any = 1
    for _ in range(depth):
        made = [made] if of == "list" else {"a": made}
    return made


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A few changes to an input; `other` is one from which parts are taken."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        data = _once(data, other, rng)
    return data[: 1 << 20]


def _once(data: bytes, other: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.6 and (changed := _structured(data, rng)) is not None:
        return changed
    at, to = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    match rng.randrange(8):
        case 0 if data:
            return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + rng.choice(WORDS) + data[at:]
        case 2:
            return data[:at] + data[min(to, at + rng.choice((1, 4, 16, 1 << 20))) :]
        case 3:
            return data[:to] + data[at:to] * rng.choice((1, 2, 9)) + data[to:]
        case 4:
            cut = rng.randrange(len(other) + 1)
            return data[:at] + other[cut : cut + rng.choice((4, 32, 4096))] + data[to:]
        case 5:
            return data[:at] + rng.choice(WORDS) + data[min(len(data), at + rng.choice((1, 4, 12))) :]
        case 6 if data:
            return data[:at] + bytes([data[min(at, len(data) - 1)] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case _:
            parts = data.split(b"\n")
            rng.shuffle(parts)
            return b"\n".join(parts)


def _structured(data: bytes, rng: random.Random) -> bytes | None:
    """A JSON text, or a safetensors file by its header, changed as a tree; None for anything else."""
    try:
        if len(data) > 8 and data[8:9] == b"{":
            length = struct.unpack("<Q", data[:8])[0]
            header = json.dumps(grown(json.loads(data[8 : 8 + length]), rng)).encode("utf-8", "surrogatepass")
            claimed = len(header) if rng.random() < 0.9 else rng.choice((0, 1, 2**31, 2**63 - 1, 2**64 - 1))
            return struct.pack("<Q", claimed) + header + data[8 + length :]
        text = json.dumps(grown(json.loads(data), rng), ensure_ascii=rng.random() < 0.5)
        return text.encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, struct.error):
        return None


def grown(tree: Any, rng: random.Random) -> Any:
    """The tree with one node replaced, removed, doubled or renamed."""
    if not isinstance(tree, (dict, list)) or not tree or rng.random() < 0.1:
        if rng.random() < 0.05:
            return deep(rng.choice((50, 200, 900)), rng.choice(("list", "object")))
        return rng.choice(VALUES)
    if isinstance(tree, list):
        at = rng.randrange(len(tree))
        match rng.randrange(4):
            case 0:
                return [*tree[:at], *tree[at + 1 :]]
            case 1:
                return [*tree, rng.choice(VALUES)]
            case _:
                return [*tree[:at], grown(tree[at], rng), *tree[at + 1 :]]
    key = rng.choice(list(tree))
    match rng.randrange(6):
        case 0:
            return {k: v for k, v in tree.items() if k != key}
        case 1:
            return {**tree, rng.choice([str(v) for v in VALUES if isinstance(v, str)]): rng.choice(VALUES)}
        case _:
            return {**tree, key: grown(tree[key], rng)}
