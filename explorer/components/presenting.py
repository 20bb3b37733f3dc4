"""The slim bar under a presented view, as a part of the app's component: steps, notes, full screen, the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.components.map_and_path import _mounted


def component_presenting(*, key: str, story: str, title: str, step: int, total: int, notes: str, window: str,
                         height: int, on_stepped: Callable[[], None], on_ended: Callable[[], None],
                         on_sized: Callable[[], None]) -> Any:
    """The bar; `step` of `total` counts from 1, `window` is the address of the notes' own window.

    The result's `stepped` is the step that is asked for, `ended` true when the presentation is over, `sized` the height
    of the browser's window in pixels where it is not `height`.
    """
    data = {"part": "presenting", "link": "presenting", "story": story, "title": title, "step": step, "total": total,
            "notes": notes, "window": window, "height": height}
    return _mounted(data, key, on_stepped_change=on_stepped, on_ended_change=on_ended, on_sized_change=on_sized)
