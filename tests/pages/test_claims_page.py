"""The Claims page: an empty ledger, a computed one, opened figures, and the way to the view."""

from __future__ import annotations

from explorer import workflows
from explorer.types import Entry, Figure, Finding, Probe
from explorer.workflows import claims


def compute(folder, only):
    ws = workflows.open_workspace(folder)
    found = list(claims.ledger(ws, workflows.main_base(ws), Probe(train=20, test=20), only))
    ws.close()
    return found


def keep(folder, finding):
    ws = workflows.open_workspace(folder)
    entry = Entry(workflows.main_base(ws).id, finding, "a probe", claims.states(ws)[finding.claim],
                  "2026-01-01T00:00:00.000+00:00")
    ws.catalog.add_findings([entry])
    ws.close()


def words(tested):
    return " ".join(e.value for kind in (tested.markdown, tested.caption, tested.info) for e in kind)


def test_nothing_is_computed_yet(app):
    tested = app("claims")
    assert not tested.exception
    assert "Nothing is computed yet" in words(tested)
    assert words(tested).count("not computed yet") == len(claims.CLAIMS)


def test_findings_are_shown_with_their_figures_and_lead_to_the_view(app, workspace):
    compute(workspace, ["C2"])
    figures = (Figure("accuracy", 1.0, 0.9, 1.0, 80, "models", "share", 0.3, 0.98),
               Figure("rise", 0.1, 0.0, 0.2, 10, "pairs", "nats"))
    keep(workspace, Finding("C1", "agrees", "Yes.", figures, "80 models", "clusters", {"cluster_by": "dataset"}))
    tested = app("claims")
    assert not tested.exception
    said = words(tested)
    assert "agrees" in said
    assert "not enough models" in said
    assert "out of date" not in said
    next(b for b in tested.button if b.key == "open-C1").click().run()
    drawn = list(tested.session_state["figures"].values())
    assert drawn[0].data[0].x[0] == 1.0
    assert {t.name for t in drawn[0].data} >= {"the paper"}
    assert len(drawn) == 2  # nats have an axis of their own
    assert "80 models" in words(tested)
    next(b for b in tested.button if b.key == "view-C1").click().run()
    assert not tested.exception
    assert tested.session_state["cluster_by"] == "dataset"


def test_findings_of_other_models_are_out_of_date(app, workspace):
    compute(workspace, ["C1"])
    ws = workflows.open_workspace(workspace)
    with ws.catalog.database.transaction("checkpoints") as cursor:
        cursor.execute("UPDATE checkpoints SET seed = 77 WHERE name = 'm0'")
    ws.close()
    assert "out of date" in words(app("claims"))


def test_a_claim_is_computed_again_in_the_background(app, workspace, until):
    compute(workspace, ["C4"])
    tested = app("claims", claim_open="C4")
    before = words(tested)
    next(b for b in tested.button if b.key == "again-C4").click().run()
    until(tested, lambda: "Found" in words(tested) and words(tested) != before)
    assert not tested.exception
    assert words(tested) != before  # the time at which it was found
