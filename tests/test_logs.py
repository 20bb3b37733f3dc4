"""The log: one line an event whatever names hold, as text or JSON."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import logs
from explorer.backends import Work
from explorer.backends.inline import inline
from explorer.errors import InputError


def nothing(_):
    """Work that yields nothing."""
    yield from ()


def record(event="job ended", **facts):
    made = logging.LogRecord("explorer.backends", logging.INFO, __file__, 1, event, (), None)
    made.facts = facts
    return made


@given(st.text(), st.text())
def test_an_event_is_one_line_whatever_it_names(title, event):
    for form in logs.FORMS:
        line = logs.Line(form).format(record(event.replace("%", ""), title=title))
        assert len(line.splitlines()) <= 1 or not any(c in line for c in "\r\n\x0b\x0c\x1c\x1d\x1e")
        assert "\n" not in line
    assert json.loads(logs.Line("json").format(record(title=title)))["title"] == title


@pytest.fixture
def ours():
    log = logging.getLogger("explorer")
    before = list(log.handlers), log.level, log.propagate
    yield log
    log.handlers, log.propagate = before[0], before[2]
    log.setLevel(before[1])


def test_a_job_is_told_from_its_begin_to_its_end(ours, capsys):
    logs.begin("json", "info")
    logs.begin("json", "info")  # once more changes nothing
    backend = inline()
    backend.submit(Work("Two\nlines", "test_logs:nothing", None), owner="v1").wait()
    backend.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["job begun", "job ended"]
    assert lines[1]["title"] == "Two\nlines"
    assert lines[1]["state"] == "done"
    assert lines[1]["viewer"] == "v1"
    assert {"time", "level", "from", "job", "state", "seconds"} <= lines[1].keys()


@pytest.mark.parametrize("wrong", [("xml", "info"), ("json", "loud")])
def test_unknown_forms_and_levels_are_refused(wrong):
    with pytest.raises(InputError, match="allowed"):
        logs.begin(*wrong)
