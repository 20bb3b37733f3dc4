"""The verb `doctor`: checks of the installation and of a workspace, each with what to do."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from explorer.verbs.printing import Answer
from explorer.workflows import doctoring

_SIGNS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


def doctor(args: argparse.Namespace) -> Answer:
    """All checks; the workspace is opened only if nobody holds it."""
    checks = list(doctoring.examine(getattr(args, "workspace", None)))
    lines = [f"{_SIGNS[c.state]}  {c.name}: {c.said}" + (f"\n         {c.mend}" if c.mend else "") for c in checks]
    sound = not any(c.state == "failed" for c in checks)
    return {"ok": sound, "checks": [asdict(c) for c in checks]}, "\n".join(lines)
