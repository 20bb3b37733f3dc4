"""The Catalog page: models taken out of the catalog, and folders that are found again."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.backends import Job, Work
from explorer.pages import _session
from explorer.pages._session import plain
from explorer.weights.arrivals import FoundAgain


def part(ids: list[str]) -> None:
    """The button behind ticked rows: ticks themselves can't be made without a browser."""
    from explorer.pages import _session
    from explorer.pages._removing import remove_button

    remove_button(_session.opened(), ids)


def test_ticked_models_go_once_it_was_said_what_goes_and_stays(app):
    tested = app("catalog")
    assert not tested.exception
    ws = _session.opened()
    workflows.keep(ws, "half", workflows.resolve(ws, '{"terms": {"m2": 0.5}}'))
    ids = [ws.catalog.checkpoint(name).id for name in ("m1", "m2")]
    asked = AppTest.from_function(part, args=(ids,), default_timeout=60).run()
    said = asked.markdown[0].value
    assert said.startswith(f"**Goes:** {plain('m1, m2')}")
    assert "1 kept Point" in said
    (button,) = asked.button
    assert (button.label, button.disabled) == ("Remove 2 models", True)
    asked.checkbox[0].check().run()
    ids_before = [c.name for c in ws.catalog.checkpoints()]
    asked.button[0].click().run()
    assert [c.name for c in ws.catalog.checkpoints()] == [n for n in ids_before if n not in ("m1", "m2")]
    assert len(app("catalog").dataframe[0].value) == 4


def test_every_page_goes_on_after_selected_models_were_removed(app):
    tested = app("catalog")
    ws = _session.opened()
    by_name = {c.name: c.id for c in ws.catalog.checkpoints()}
    gone = [by_name["m0"], by_name["m4"]]
    tested.session_state["basket"] = gone
    for page in ("path", "mix", "compare"):
        tested.switch_page(f"explorer/pages/{page}.py").run()
    workflows.remove(ws, ["m0", "m4"])
    for page in ("path", "mix", "compare", "surface", "merge", "catalog"):
        tested.switch_page(f"explorer/pages/{page}.py").run()
        assert not tested.exception, page


def test_the_import_says_what_was_found_again(app):
    job = Job(Work("Import of 1 folders", "explorer.weights.importing:import_checkpoints", None))
    job.results.append(FoundAgain("0" * 32, "m3", "/elsewhere/m3", "weights", ""))
    job.state = "done"
    job._over.set()
    tested = app("catalog", import_job=job)
    assert any("m3" in m.value and "found again, now at" in m.value for m in tested.markdown)
