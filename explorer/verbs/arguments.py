"""What several verbs read of their arguments: tasks, ways to measure, devices, lists of names."""

from __future__ import annotations

import argparse
import math

from explorer import settings
from explorer.errors import InputError, UnknownNameError
from explorer.types import KINDS, Probe, Task
from explorer.workflows import Workspace


def probe(args: argparse.Namespace) -> Probe:
    """How a loss is measured, of the options of any verb that measures."""
    given = {"train": args.train_texts, "test": args.test_texts, "length": args.length, "dtype": args.dtype,
             "head": args.head}
    for name, value in given.items():
        if isinstance(value, int) and value < (4 if name == "length" else 0):
            option = f"--{name}" if name == "length" else f"--{name}-texts"
            raise InputError(f"{option} {value}: at least {4 if name == 'length' else 0} is needed.")
    return Probe(**{k: v for k, v in given.items() if v is not None})


def task_list(ws: Workspace, text: str) -> list[Task]:
    """The tasks of T1,T2[,…] or "all", each once, in order."""
    chosen = ws.catalog.tasks() if text == "all" else [ws.catalog.task(t) for t in names(text) or ()]
    if not chosen:
        raise InputError(f"{text!r} names no task; add one with `tasks add` or `datasets fetch`.")
    return list({t.digest: t for t in reversed(chosen)}.values())[::-1]


def tasks(ws: Workspace, args: argparse.Namespace) -> list[Task]:
    """What --task or --tasks name, of which there must be one."""
    if (args.task is None) == (args.tasks is None):
        raise InputError("give one of --task T and --tasks T1,T2 (or --tasks all).")
    return [ws.catalog.task(args.task)] if args.tasks is None else task_list(ws, args.tasks)


def device(args: argparse.Namespace) -> str | None:
    """The device asked for, if the verb has one and it was named; InputError for a name that no machine has."""
    name: str | None = getattr(args, "device", None)
    return None if name is None else settings.check_device(name)


def names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def kinds(text: str | None) -> tuple[str, ...] | None:
    chosen = names(text)
    for kind in chosen or ():
        if kind not in KINDS:
            raise UnknownNameError("kind", kind, KINDS)
    return chosen


def alphas(text: str) -> list[float]:
    """α values from FROM:TO:COUNT or a,b,c; InputError for anything that is no finite number."""
    parts = text.split(":")
    if len(parts) == 3:
        first, last = _number(parts[0]), _number(parts[1])
        if not parts[2].strip().isdecimal() or not 2 <= int(parts[2]) <= 10_000:
            raise InputError(f"--alphas {text!r}: the count {parts[2]!r} must be a whole number from 2 to 10000.")
        count = int(parts[2])
        return [first + (last - first) * i / (count - 1) for i in range(count)]
    if len(parts) != 1:
        raise InputError(f"--alphas {text!r}: write FROM:TO:COUNT (0:1:11) or a list (0,0.5,1).")
    return [_number(part) for part in text.split(",")]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"α {text!r} is no number; write FROM:TO:COUNT (0:1:11) or a list (0,0.5,1).") from None
    if not math.isfinite(value):
        raise InputError(f"α {text!r} is not finite.")
    return value
