"""Pages whose geometry comes from sketches say how exact it is."""

from __future__ import annotations

import shutil

import pytest
import streamlit as st

from explorer import workflows


@pytest.fixture
def sketched_app(app, sketched_workspace, zoo, tmp_path, monkeypatch):
    folder = shutil.copytree(sketched_workspace, tmp_path / "sketched")
    ws = workflows.open_workspace(folder)
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    ws.close()
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(folder))
    st.cache_resource.clear()
    return app


@pytest.mark.parametrize("name", ["map", "clusters", "compare", "barriers"])
def test_geometry_from_sketches_is_said_to_be_estimated(sketched_app, name):
    found = sketched_app(name)
    assert not found.exception
    assert [c.value for c in found.caption if "estimated from sketches of 512 numbers" in c.value
            and "±12% (95 %)" in c.value]


def test_exact_geometry_is_not(app):
    found = app("compare")
    assert not found.exception
    assert not [c.value for c in found.caption if "sketches" in c.value]
