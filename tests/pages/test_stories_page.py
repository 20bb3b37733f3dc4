"""The Stories page, sharing and presenting, as the server draws them."""

from __future__ import annotations

import pytest

from explorer.pages import _session
from explorer.types import Step
from explorer.workflows import stories


@pytest.fixture
def told(app):
    """The app with two saved views and a story of both; (the story, its views)."""
    app()
    ws = _session.opened()
    ids = [c.id for c in ws.catalog.checkpoints()]
    saved = [stories.save_view(ws, "map", {"basket": ids[:2], "dims": 3}, "A map"),
             stories.save_view(ws, "path", {"zero": "gone", "one": ids[1], "alpha": 0.3}, "<b>A</b> [path](x)", "see")]
    return stories.begin_story(ws, "A talk", tuple(Step(v.name, f"say {v.page}") for v in saved)), saved


def test_without_anything_saved_the_page_says_how_to(app):
    tested = app("stories")
    assert not tested.exception
    assert "Nothing is saved yet" in tested.info[0].value


def test_views_are_renamed_removed_and_ordered(app, told):
    story, saved = told
    tested = app("stories")
    assert not tested.exception
    assert "Saved views · 2" in [h.value for h in tested.subheader]
    text = " ".join(m.value for m in tested.markdown)
    assert "<b>" not in text
    assert any("models it names are not" in c.value.replace("\\", "") for c in tested.caption)
    tested.button(key="Down_0").click().run()
    ws = _session.opened()
    assert [s.view for s in stories.story(ws, "A talk").steps] == [saved[1].name, saved[0].name]
    tested.button(key=f"add_{saved[0].name}").click().run()
    assert len(stories.story(ws, "A talk").steps) == 3
    tested.button(key="out_0").click().run()
    assert [s.view for s in stories.story(ws, "A talk").steps] == [saved[0].name] * 2
    tested.text_area(key=f"notes_{story.name}_0_{saved[0].name}_say map").set_value("said").run()
    assert stories.story(ws, "A talk").steps[0].notes == "said"
    tested.button(key=f"remove_{saved[0].name}").click().run()
    assert [v.name for v in stories.saved_views(ws)] == [saved[1].name]
    assert stories.told(ws, stories.story(ws, "A talk"))[0].saved.title == "A map"
    assert not tested.exception


def presented(app, page, **parameters):
    tested = app()
    if page != "map":
        tested.switch_page(f"explorer/pages/{page}.py")
    tested.query_params.clear()
    for key, value in parameters.items():
        tested.query_params[key] = value
    return tested.run()


def test_a_step_is_the_live_page_and_begins_nothing(app, told, monkeypatch):
    story, _ = told
    begun = []
    monkeypatch.setattr(_session.opened().backend, "submit", lambda *a, **k: begun.append(a))
    tested = presented(app, "map", present=story.name, step="1")
    begun.clear()  # the map before it was an ordinary page
    tested.run()
    assert not tested.exception
    assert tested.session_state["dims"] == 3
    assert len(tested.session_state["basket"]) == 2
    assert dict(tested.query_params)["present"] in (story.name, [story.name])
    assert not begun


def test_a_step_whose_models_are_gone_says_so(app, told):
    story, _ = told
    tested = presented(app, "path", present=story.name, step="2")
    assert not tested.exception
    assert any("1 of the 2 models it names" in w.value.replace("\\", "") for w in tested.warning)
    assert tested.session_state["alpha"] == 0.3


def test_a_story_that_is_not_here_says_so(app, told):
    tested = presented(app, "map", present="elsewhere")
    assert not tested.exception
    assert "keeps no such story" in tested.error[0].value


@pytest.mark.parametrize("step", ["0", "99", "-1", "x", "9" * 30])
def test_a_step_that_there_is_none_of_is_the_nearest(app, told, step):
    story, _ = told
    only_map = stories.begin_story(_session.opened(), "One", story.steps[:1])
    tested = presented(app, "map", present=only_map.name, step=step)
    assert not tested.exception
    assert tested.session_state["dims"] == 3


def test_the_notes_have_a_window_of_their_own(app, told):
    story, _ = told
    tested = presented(app, "map", present=story.name, notes="1")
    assert not tested.exception
    assert "say map" in [t.value for t in tested.text]
    assert any("Next" in c.value for c in tested.caption)
