"""JSON and YAML from outside as plain values, of bounded size, depth and expansion.

Covers what such texts do to a program that trusts them: aliases that double at every line, nesting deeper than the
stack, numbers of thousands of digits, tags whose values can't be made. What the values mean is their reader's matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from explorer.errors import InputError

DEEPEST = 64
NODES = 200_000
"""Values that a document may have, those behind each alias counted every time."""
YAML_CHARACTERS = 256 << 10
_DIGITS = 40
"""Of a whole number; tokenizers say 10³⁰ for no limit."""


def read_json(text: str, constant: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text; `constant` is made of NaN and the infinities. InputError if it is none."""
    try:
        value = json.loads(text, parse_int=_whole, parse_constant=constant)
    except (ValueError, RecursionError) as e:
        raise InputError(f"not readable as JSON ({e}).") from e
    _bounded(value)
    return value


def read_yaml(text: str) -> list[Any]:
    """The values of the documents in a YAML text, of the standard tags alone; InputError if they can't be had."""
    import yaml

    if len(text) > YAML_CHARACTERS:
        raise InputError(f"{len(text)} characters of YAML; at most {YAML_CHARACTERS} are read.")
    found = []
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            _expanded(node, {}, 0)
            found.append(loader.construct_document(node))
    except InputError:
        raise
    except yaml.YAMLError as e:
        raise InputError(f"not valid YAML: {' '.join(str(e).split())}.") from e
    except Exception as e:  # a tag's value that can't be made makes the library stumble anywhere
        raise InputError(f"not valid YAML: a value can't be read ({type(e).__name__}: {str(e)[:200]}).") from e
    return found


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits; at most {_DIGITS} are read")
    return int(digits)


def _bounded(value: Any) -> None:
    """InputError where a value lies too deep; without recursion, which would end there itself."""
    layer = [value]
    for _ in range(DEEPEST):
        layer = [inside for v in layer if isinstance(v, (dict, list))
                 for inside in (v.values() if isinstance(v, dict) else v)]
        if not layer:
            return
    raise InputError(f"nested more than {DEEPEST} levels deep.")


def _expanded(node: Any, sizes: dict[int, int], depth: int) -> int:
    """How many values a node stands for, aliases followed."""
    if depth > DEEPEST:
        raise InputError(f"nested more than {DEEPEST} levels deep, or within itself.")
    if id(node) not in sizes:
        inside = node.value if isinstance(node.value, list) else []
        parts = [part for item in inside for part in (item if isinstance(item, tuple) else (item,))]
        sizes[id(node)] = 1 + sum(_expanded(part, sizes, depth + 1) for part in parts)
    if sizes[id(node)] > NODES:
        raise InputError(f"stands for more than {NODES} values, by aliases within aliases.")
    return sizes[id(node)]
