"""What the server makes ready before its first visitor is what the visitor sees."""

from __future__ import annotations

import gc
import logging
import socket
import time
from threading import Event, Thread

import psutil
import pytest

from explorer.pages import _map_drawing, _server, _session


@pytest.fixture
def figures(monkeypatch):
    """The map's figures that are drawn."""
    drawn, scatter = [], _map_drawing.scatter
    monkeypatch.setattr(_map_drawing, "scatter", lambda *a, **k: drawn.append(scatter(*a, **k)) or drawn[-1])
    return drawn


def ended() -> Event:
    event = Event()
    event.set()
    return event


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


def test_the_first_visitor_is_shown_the_map_that_the_server_has_drawn(app, figures, thawed):
    _server._begin(ended())
    assert len(figures) == 1
    assert gc.get_freeze_count() > 0
    assert not app("map").exception
    assert len(figures) == 1


def test_an_empty_workspace_has_nothing_to_make_ready(app, monkeypatch, tmp_path, caplog, figures, thawed):
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "empty"))
    caplog.set_level(logging.ERROR)
    _server._begin(ended())
    assert not figures
    assert not caplog.records


def test_what_goes_wrong_meanwhile_is_logged_and_the_page_does_it_itself(app, monkeypatch, thawed):
    logged = []
    monkeypatch.setattr(_server._log, "exception", logged.append)
    monkeypatch.setattr(_map_drawing, "first_map", lambda _: 1 / 0)
    _server._begin(ended())
    assert logged == ["preparing"]
    assert _session.held() is not None
    assert not app("map").exception


def test_small_packets_are_not_held_back_on_connections_to_what_this_process_listens_at():
    with socket.socket() as listening:  # no protocol is named, as Streamlit names none
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        for delayed in (True, False):
            with socket.create_connection(listening.getsockname()), listening.accept()[0] as ours:
                assert (ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0) is delayed
            _server.send_at_once()


def test_a_server_that_may_not_list_its_connections_starts_all_the_same(monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(_server._log, "propagate", True)

    def denied(*_: object) -> None:
        raise psutil.AccessDenied()

    monkeypatch.setattr(psutil.Process, "net_connections", denied)
    _server.send_at_once()
    assert "packets may be delayed" in caplog.text


def test_a_page_waits_for_the_map_that_the_server_is_drawing(app, figures, monkeypatch, thawed):
    first, begun = _map_drawing.first_map, Event()

    def slowly(ws):
        begun.set()
        time.sleep(0.5)
        return first(ws)

    monkeypatch.setattr(_map_drawing, "first_map", slowly)
    server = Thread(target=_server._begin, args=(ended(),))
    server.start()
    assert begun.wait(10)
    assert not app("map").exception
    server.join()
    assert len(figures) == 1


def test_a_page_does_not_wait_for_ever(app, figures, monkeypatch):
    monkeypatch.setattr(_session, "AHEAD", 0.1)
    with _session.making_ahead():
        assert not app("map").exception
    assert len(figures) == 1
