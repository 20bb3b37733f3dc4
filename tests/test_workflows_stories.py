"""Saved views and stories: what is changed is kept as it was and shown as it is, and what is not here is told."""

from __future__ import annotations

import pytest

from explorer import workflows
from explorer.errors import InputError, UnknownNameError
from explorer.types import Step
from explorer.workflows import stories


def test_a_view_is_saved_changed_and_removed_without_anything_being_lost(ws):
    first = stories.save_view(ws, "map", {"dims": 3}, "  The\nmap ", "seen at noon", "<svg/>")
    second = stories.save_view(ws, "map", {"dims": 3}, "The map")
    assert (first.title, first.view) == ("The map", second.view)
    assert {v.name for v in stories.saved_views(ws)} == {first.name, second.name}
    stories.change_view(ws, first, "Another", "note")
    found = next(v for v in stories.saved_views(ws) if v.name == first.name)
    assert (found.title, found.note, found.sketch, found.state) == ("Another", "note", "<svg/>", {"dims": 3})
    stories.remove_view(ws, found)
    assert [v.name for v in stories.saved_views(ws)] == [second.name]
    assert ws.catalog.database.rows("SELECT count(*) FROM saved_views") == [(4,)]


@pytest.mark.parametrize("title", ["", "  \n ", "x" * 121])
def test_a_title_is_neither_empty_nor_long(ws, title):
    with pytest.raises(InputError, match="1 to 120 characters"):
        stories.save_view(ws, "map", {}, title)
    with pytest.raises(InputError, match="1 to 120 characters"):
        stories.begin_story(ws, title)
    assert not stories.saved_views(ws)


def test_a_story_keeps_its_order_its_notes_and_removed_views(workspace):
    ws = workflows.open_workspace(workspace)
    saved = [stories.save_view(ws, "path", {"alpha": i / 10}, f"View {i}") for i in range(3)]
    story = stories.begin_story(ws, "Tuesday", tuple(Step(v.name, f"say {v.title}") for v in saved))
    stories.change_story(ws, stories.Story(story.name, "Friday", stories.moved(story.steps, 2, -2), story.made))
    stories.remove_view(ws, saved[1])
    ws.close()
    ws = workflows.open_workspace(workspace)
    found = stories.story(ws, "Friday")
    told = stories.told(ws, found)
    assert [t.saved and t.saved.title for t in told] == ["View 2", "View 0", "View 1"]
    assert [t.notes for t in told] == ["say View 2", "say View 0", "say View 1"]
    assert stories.story(ws, found.name) == found
    with pytest.raises(UnknownNameError, match="Friday"):
        stories.story(ws, "Tuesday")
    stories.remove_story(ws, found)
    assert not stories.stories(ws)
    ws.close()


def test_a_step_of_a_view_that_was_never_here_is_known_as_such(ws):
    story = stories.begin_story(ws, "Elsewhere", (Step("nobody", "hm"),))
    assert stories.told(ws, story) == [stories.Told(None, "hm")]


@pytest.mark.parametrize(("place", "by", "order"), [(0, 1, "bac"), (0, -1, "abc"), (2, -1, "acb"), (1, 9, "acb")])
def test_steps_move_within_their_places(place, by, order):
    steps = tuple(Step(name) for name in "abc")
    assert "".join(s.view for s in stories.moved(steps, place, by)) == order


def test_what_a_view_names_and_is_not_here_is_told(ws):
    base = ws.catalog.bases()[0].id
    ids, here = [c.id for c in ws.catalog.checkpoints()], stories.here(ws)
    assert not stories.absent(here, {"base": base, "basket": ids, "zero": "", "tasks": ["toy"], "models": 6})
    assert stories.absent(here, {"basket": [ids[0], "gone"], "tasks": ["lost"]}) == (
        "1 of the 2 models it names are not in this workspace; the task lost is not.")
    assert stories.absent(here, {"base": "f" * 64}) == (
        "It shows models of another base (ffffffffffff), which is not in this workspace.")
    assert stories.absent(here, {"base": base, "models": 16}) == "Its map had 16 models, here are 6."


def test_the_command_line_tells_stories(cli, asking, workspace):
    ask = asking(workspace)
    assert ask("stories", "list") == {"stories": [], "views": []}
    ws = workflows.open_workspace(workspace)
    saved = stories.save_view(ws, "map", {"basket": ["gone"]}, "A map")
    stories.begin_story(ws, "Talk", (Step(saved.name, "hello"), Step("nobody")))
    ws.close()
    listed = ask("stories", "list")
    assert [(s["title"], s["steps"]) for s in listed["stories"]] == [("Talk", 2)]
    assert [(v["title"], v["page"]) for v in listed["views"]] == [("A map", "map")]
    shown = ask("stories", "show", "Talk")
    assert shown["link"] == f"/?present={shown['id']}"
    assert [(s["title"], s["notes"]) for s in shown["steps"]] == [("A map", "hello"), (None, "")]
    assert "models it names" in shown["steps"][0]["absent"]
    assert "no more" in shown["steps"][1]["absent"]
    status, _, err = cli("stories", "show", "Walk", "--workspace", workspace)
    assert status == 2
    assert "Talk" in err
    assert err.count("\n") == 1
