"""The verbs `stories list` and `stories show`: what was saved to be shown."""

from __future__ import annotations

import argparse
from typing import Any

from explorer.verbs.printing import Answer, table
from explorer.workflows import Workspace, stories


def stories_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    told = [{"id": s.name, "title": s.title, "steps": len(s.steps), "made": s.made} for s in stories.stories(ws)]
    saved = [{"id": v.name, "title": v.title, "page": v.page, "note": v.note, "view": v.view, "made": v.made}
             for v in stories.saved_views(ws)]
    shown = [{"story": row["title"], "steps": row["steps"], "made": str(row["made"])[:16]} for row in told]
    views = [{"view": row["title"], "page": row["page"], "made": row["made"][:16]} for row in saved]
    return {"stories": told, "views": saved}, f"{table(shown)}\n\n{table(views)}"


def stories_show_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    found, here = stories.story(ws, args.name), stories.here(ws)
    steps: list[dict[str, Any]] = []
    for step in stories.told(ws, found):
        saved = step.saved
        steps.append({"title": saved.title, "page": saved.page, "view": saved.view, "state": dict(saved.state),
                      "note": saved.note, "notes": step.notes, "absent": stories.absent(here, saved.state) or None}
                     if saved else {"title": None, "page": None, "view": None, "state": {}, "note": "",
                                    "notes": step.notes, "absent": "This workspace keeps this view no more."})
    shown = [{"": i, "view": row["title"], "page": row["page"], "notes": row["notes"], "lacks": row["absent"]}
             for i, row in enumerate(steps, 1)]
    value = {"id": found.name, "title": found.title, "made": found.made, "link": f"/?present={found.name}",
             "steps": steps}
    return value, f"{found.title}\npresent: {value['link']}\n{table(shown)}"
