"""What a viewer may not do is refused below the pages: at the verb, at the backend and at the catalog. And limits."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explorer import workflows
from explorer.backends import Work
from explorer.catalog import runs, views
from explorer.errors import ForbiddenError
from explorer.evaluation.searching import Searching
from explorer.evaluation.souping import Souping
from explorer.evaluation.work import Ask, Evaluation
from explorer.types import Limits, Permit, Point, Probe, SavedView, Tuning
from explorer.workflows import claims, stories
from explorer.workflows.acts import CHANGES as DECLARED
from explorer.workflows.permitting import CHANGES, EVALUATES, WRITES, admit, permitted

SOURCE = Path(workflows.__file__).parents[1]
VIEWER = Permit("viewer", "aaaa", "Ada", Limits(jobs=2, points=3, texts=40))
OTHER = Permit("viewer", "bbbb", "Bob", Limits())
EDITOR = Permit("editor", "eeee", "Eve")
PROBE = Probe(train=20, test=20)

READS = frozenset(re.findall(r"\S+", """
    claims.states clustering.cluster clustering.where comparing.barrier comparing.checkpoint_of comparing.geometry
    comparing.scores exporting.command fishers.informed fishers.lacking health.health labelled.available_datasets
    leaderboard.pool leaderboard.standings leaving.known mapping.gram mapping.kept_points mapping.place
    mapping.projection mergekit.to_mergekit merging.merge_point mixing.measured_points naming.describe naming.main_base
    opening.stale pairs.known pictures.curves pictures.figures_of pictures.settings pictures.slide places.apart
    places.locate planes.corner_names planes.filled planes.make planes.models_on probing.checkpoint_scores
    probing.device_lines probing.passes probing.path probing.unscored regions.by_dimension regions.distances
    regions.groups regions.known regions.traits removing.plan retaining.bench retaining.by_method retaining.kept
    searching.outcome searching.plan souping.found starting.plan starting.predicted starting.table stories.here
    stories.saved_views stories.stories stories.story stories.told telling.html
    """))
"""Verbs that a page may call and that leave everything as it is."""
EVALUATE = frozenset(re.findall(r"\S+", """
    comparing.tensors leaving.walks mapping.place_job mapping.project mapping.sign_gram mapping.signs
    merging.gram_with_merges merging.place_job merging.place_merges mixing.surrogate planes.step probing.evaluate
    probing.measure probing.warm searching.begin souping.plan souping.start
    """))
"""Verbs that ask for work, which the backend lets in or refuses."""
SERVERS = frozenset({"journal.watch", "labelled.fetch_demo_texts", "permitting.permitted"})
"""What the server does for itself, with the whole workspace."""


def called() -> Iterator[tuple[str, object]]:
    """Every verb (a function of `workflows` whose first argument is a workspace) that a page names, by its name."""
    for file in sorted((SOURCE / "pages").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {a.asname or a.name: f"{node.module}.{a.name}" for node in ast.walk(tree)
                    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("explorer")
                    for a in node.names}
        for node in ast.walk(tree):
            parts, at = [], node
            while isinstance(at, ast.Attribute):
                parts, at = [at.attr, *parts], at.value
            if isinstance(at, ast.Name) and imported.get(at.id, "").startswith("explorer.workflows"):
                yield from verbs([*imported[at.id].split("."), *parts])


def verbs(path: list[str]) -> Iterator[tuple[str, object]]:
    found: object = importlib.import_module(path[0])
    for k in range(1, len(path)):
        if not hasattr(found, path[k]):
            importlib.import_module(".".join(path[: k + 1]))
        found = getattr(found, path[k])
        if inspect.isfunction(found) or inspect.isclass(found):
            if next(iter(inspect.signature(found).parameters), "") == "ws":
                yield f"{found.__module__.removeprefix('explorer.workflows.')}.{found.__qualname__}", found
            return


VERBS = dict(called())
CHANGING = sorted(name for name, verb in VERBS.items() if hasattr(verb, DECLARED))


@pytest.fixture
def viewer(ws):
    return permitted(ws, VIEWER)


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_of_a_page_is_declared(name):
    kinds = [name in READS, name in EVALUATE, name in SERVERS, hasattr(VERBS[name], DECLARED)]
    assert sum(kinds) == 1, f"{name}: say here whether it reads or evaluates, or declare it with @changes"


def test_no_declaration_is_of_a_verb_that_is_gone():
    assert VERBS.keys() >= READS | EVALUATE | SERVERS
    assert len(CHANGING) > 10


def test_a_verb_that_changes_is_refused_to_viewers_before_it_does_anything(viewer):
    for name in CHANGING:
        with pytest.raises(ForbiddenError, match=f"{re.escape(getattr(VERBS[name], DECLARED))} is for editors"):
            VERBS[name](viewer, *([None, None] if inspect.isclass(VERBS[name]) else []))


def test_pages_write_nothing_into_the_catalog_but_short_links():
    for file in (SOURCE / "pages").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        writing = r"catalog\.(add_|remove|relocate|geometry\.add|weight_files)|\.transaction\(|backend\.submit"
        assert not re.search(writing, text), file
        assert set(re.findall(r"\b(?:views|runs)\.(\w+)\(", text)) <= {"add_view", "view", "tunings", "runs_of"}, file
        assert ".cancel()" not in text, f"{file}: end jobs with _jobs.cancel"


def test_all_work_there_is_is_a_viewers_or_an_editors():
    named = {found for file in SOURCE.rglob("*.py") if file.name != "permitting.py"
             for found in re.findall(r'"(explorer\.[\w.]+:\w+)"', file.read_text(encoding="utf-8"))}
    assert named == EVALUATES.keys() | CHANGES.keys()
    assert not EVALUATES.keys() & CHANGES.keys()


def test_an_editors_work_is_refused_to_viewers_by_the_backend(viewer):
    for function in (*CHANGES, "explorer.some.new:work"):
        with pytest.raises(ForbiddenError, match="editors"):
            viewer.backend.submit(Work("Something", function, None))
    assert not list(viewer.backend.jobs())


def test_the_catalog_takes_only_measurements_maps_and_links_from_viewers(ws, viewer):
    catalog, base = viewer.catalog, ws.catalog.bases()[0]
    other = replace(base, id="other", name="other")
    saved = SavedView("a", "b", "map", {}, "t", "", "", "2026-01-01T00:00:00.000+00:00")
    for write in (lambda: catalog.add_point("mine", Point.of(base.id)), lambda: catalog.add_base(other),
                  lambda: catalog.add_task(ws.catalog.tasks()[0]), lambda: catalog.add_findings([]),
                  lambda: catalog.add_signs("x", None), lambda: views.add_saved(catalog.database, saved),
                  lambda: runs.add_runs(catalog.database, [], Tuning()), lambda: catalog.weight_files.add("x", "y"),
                  lambda: catalog.geometry.add_sketch("x", base.layout, None), lambda: catalog.remove([], []),
                  lambda: catalog.relocate(base.id, ws.folder, "", "")):
        with pytest.raises(ForbiddenError):
            write()
    with pytest.raises(ForbiddenError, match="editor"), catalog.database.transaction():
        pass
    name = views.add_view(catalog.database, "map", {"dims": 3})
    assert views.view(ws.catalog.database, name) == ("map", {"dims": 3})
    assert {"scores", "projections", "views"} == WRITES
    ws.catalog.add_point("mine", Point.of(base.id))
    assert "mine" in catalog.points()


def test_a_viewer_measures_and_the_score_is_everyones(ws, viewer):
    task, point = ws.catalog.task("toy"), Point.of(ws.catalog.bases()[0].id)
    job = workflows.measure(viewer, [Ask(point, task, PROBE)], owner="someone else")
    job.result()
    assert job.owner == "aaaa"
    assert ws.catalog.scores([point], task, PROBE)[0] is not None


def test_an_editor_who_signs_in_does_everything(ws):
    mine = permitted(ws, EDITOR)
    stories.begin_story(mine, "Tuesday")
    workflows.keep(mine, "origin", Point.of(ws.catalog.bases()[0].id))
    assert [s.title for s in stories.stories(ws)] == ["Tuesday"]
    admit(EDITOR, Work("Import", "explorer.weights.importing:import_checkpoints", None), [])


def test_the_findings_on_claims_are_not_a_viewers_to_change(ws, viewer):
    base = ws.catalog.bases()[0]
    with pytest.raises(ForbiddenError):
        list(claims.ledger(viewer, base, PROBE, ["C3"]))
    assert not ws.catalog.findings(base.id)


# ---------------------------------------------------------------- limits


def evaluation(ws, points: int, probe: Probe = PROBE) -> Work:
    base, task = ws.catalog.bases()[0], ws.catalog.task("toy")
    models = ws.catalog.checkpoints()
    asks = [Ask(Point.of(base.id, {models[i].id: 1.0}), task, p) for i in range(points) for p in (probe.first(), probe)]
    return Work("Losses", "explorer.evaluation.work:evaluate", Evaluation(base, "", {}, tuple(asks)))


def test_points_are_limited_and_two_passes_of_a_point_count_once(ws):
    admit(VIEWER, evaluation(ws, 3), [])
    with pytest.raises(ForbiddenError, match=r"4 measurements \(Points × tasks\) at once; a viewer may ask for 3"):
        admit(VIEWER, evaluation(ws, 4), [])
    admit(EDITOR, evaluation(ws, 6), [])


@pytest.mark.parametrize("probe", [Probe(train=0, test=20), Probe(train=41, test=20), Probe(train=20, test=0)])
def test_texts_are_limited_and_all_of_them_are_as_many_as_there_are(ws, probe):
    task = ws.catalog.task("toy")
    most = max(min(n or of, of) for n, of in ((probe.train, task.n_train), (probe.test, task.n_test)))
    admit(replace(VIEWER, limits=Limits(texts=most)), evaluation(ws, 1, probe), [])
    with pytest.raises(ForbiddenError, match=f"on {most} texts; a viewer may use {most - 1}"):
        admit(replace(VIEWER, limits=Limits(texts=most - 1)), evaluation(ws, 1, probe), [])


def test_searches_and_soups_are_as_large_as_what_they_may_evaluate(ws):
    base, task = ws.catalog.bases()[0], ws.catalog.task("toy")
    points = tuple(Point.of(base.id, {c.id: 1.0}) for c in ws.catalog.checkpoints())
    search = Searching(base, "", {}, ("a", "b"), task, 8, 60, 0.0, 1.0, 0, PROBE)
    soup = Souping(base, "", {}, {}, points, task, PROBE, task, PROBE, "loss")
    for function, request, size in (("explorer.evaluation.searching:search", search, 60),
                                    ("explorer.evaluation.souping:soup", soup, 30)):
        with pytest.raises(ForbiddenError, match=f"{size} measurements"):
            admit(VIEWER, Work("x", function, request), [])


@pytest.fixture
def waiting(ws, monkeypatch):
    """The workspace, whose jobs wait for ever."""
    monkeypatch.setattr(ws.backend, "_run", lambda job: None)
    return ws


def test_a_queue_is_limited_to_each_person_and_what_is_replaced_does_not_count(waiting):
    one = evaluation(waiting, 1)
    mine, others = permitted(waiting, VIEWER).backend, permitted(waiting, OTHER).backend
    others.submit(one)
    first = mine.submit(replace(one, replaces="path"))
    mine.submit(one)
    permitted(waiting, VIEWER).backend.submit(replace(one, replaces="path"))  # as from another window
    assert first.cancelling
    with pytest.raises(ForbiddenError, match="2 jobs of yours are not over; a viewer may have 2 at once"):
        mine.submit(one)
    others.submit(one)
    permitted(waiting, EDITOR).backend.submit(one)


def test_a_viewer_ends_their_own_jobs_alone(waiting):
    one = evaluation(waiting, 1)
    mine, others, editors = (permitted(waiting, p).backend for p in (VIEWER, OTHER, EDITOR))
    job, unowned = others.submit(replace(one, replaces="theirs")), waiting.backend.submit(one)
    for alien in (job, unowned):
        assert not mine.cancels(alien)
        with pytest.raises(ForbiddenError, match="not yours"):
            mine.cancel(alien)
    with pytest.raises(ForbiddenError, match="would end"):
        mine.submit(replace(one, replaces="theirs"))
    with pytest.raises(ForbiddenError):
        mine.withdraw("theirs")
    assert not job.cancelling
    others.cancel(job)
    editors.cancel(unowned)
    assert job.cancelling
    assert unowned.cancelling
