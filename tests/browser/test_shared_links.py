"""A link gives the same picture in another browser, after a restart, and when models have come since."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from opening import serving
from PIL import Image
from test_app import DOTS, MAP, dots, pick

from explorer import workflows

MOST = 0.01
"""Share of a picture's points that may differ."""


def picture(page: Any) -> np.ndarray:
    """The map as it is on the screen."""
    page.wait_for_selector(DOTS)
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    shot = page.locator(MAP).first.screenshot(animations="disabled")
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=int)


def differing(a: np.ndarray, b: np.ndarray) -> float:
    assert np.abs(np.subtract(a.shape, b.shape)).max() <= 1  # where it lies between two pixels
    height, width = np.minimum(a.shape, b.shape)[:2]
    a, b = a[:height, :width], b[:height, :width]
    return float((np.abs(a - b).max(axis=2) > 24).mean())


@pytest.fixture
def more(zoo, tmp_path):
    """Ten further models."""
    from tiny_models import bert_base, sibling

    base = bert_base(tmp_path / "again")
    return [str(sibling(base, tmp_path / f"n{i}", seed=50 + i, group=i % 2)) for i in range(10)]


def test_a_link_keeps_its_picture(opened, workspace, more, zoo):
    with serving(workspace) as (address, _):
        page = opened(at=address)
        page.get_by_text("Euclidean", exact=True).click()
        page.wait_for_function("() => location.search.includes('metric=euclidean')")
        pick(page, 0, 1)
        pick(page, 3, 2)
        page.wait_for_function("() => location.search.includes('basket')")
        page.get_by_text("points are measured").wait_for()
        before, link = picture(page), page.url.removeprefix(address + "/")
        again = opened(link, at=address)
        again.get_by_text("points are measured").wait_for()
        assert differing(before, picture(again)) <= MOST
        page.close()
        again.close()
    ws = workflows.open_workspace(workspace)
    workflows.import_folders(ws, more, str(zoo / "base")).result()
    ws.close()
    with serving(workspace) as (address, _):
        page = opened(link, at=address)
        page.get_by_role("button", name="First 6 of 16 models").wait_for()
        page.get_by_text("points are measured").wait_for()
        assert differing(before, picture(page)) <= MOST
        page.get_by_role("button", name="First 6 of 16 models").click()
        page.wait_for_function("() => location.search.includes('models=16')")
        assert len(dots(page)) == 16
        page.close()
