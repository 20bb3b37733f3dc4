"""The page benchmark's own arithmetic: its table, and that it visits every page that there is."""

from __future__ import annotations

from page import PAGES, ROOT, table


def test_every_page_is_visited() -> None:
    there = {f.stem for f in (ROOT / "explorer" / "pages").glob("[!_]*.py")}
    assert there <= PAGES.keys() | {"glossary"}


def test_the_table_sets_each_row_against_the_empty_page() -> None:
    found = {"empty server": {"seconds": 1.0}, "empty first": {"seconds": 0.5, "files": 1000, "messages": 10},
             "empty": {"seconds": 0.2, "files": 0, "messages": 5}, "server": {"seconds": 2.0},
             "first": {"seconds": 1.0, "files": 2000, "messages": 10}, "map": {"seconds": 0.6, "files": 0,
                                                                               "messages": 1e4}}
    lines = {line[:16].strip(): line.split() for line in table(found).splitlines()[1:]}
    assert lines["server"][-1] == "2.0"
    assert lines["first"][2] == "2.0"
    assert lines["map"][2] == "3.0"
