"""`doctor` on sound and broken workspaces, and what the server says of itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer import workflows
from explorer.pages import _server, _session
from explorer.workflows import doctoring
from explorer.workflows.health import health


@pytest.fixture
def without_browser(monkeypatch):
    """Drawing a picture takes a second each time; one test does it."""
    monkeypatch.setattr(doctoring, "_picture", lambda: doctoring.Check("pictures", "ok", "not tried"))


def states(workspace):
    return {check.name: check for check in doctoring.examine(workspace)}


def test_a_sound_installation_and_workspace(cli, workspace):
    status, out, _ = cli("doctor", "--workspace", workspace, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["ok"]
    assert {c["name"] for c in found["checks"]} >= {"python", "packages", "device", "pictures", "workspace", "models",
                                                    "inner products", "texts"}
    assert all(c["mend"] for c in found["checks"] if c["state"] != "ok")
    assert {c["name"] for c in found["checks"] if c["state"] == "failed"} == set()


def test_a_model_that_is_gone_and_texts_that_are(cli, workspace, zoo, tmp_path, without_browser):
    shutil.copytree(zoo, tmp_path / "zoo")
    folder = tmp_path / "other"
    ws = workflows.open_workspace(folder)
    workflows.import_folders(ws, [str(tmp_path / "zoo" / "m0")], str(tmp_path / "zoo" / "base")).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    Path(ws.catalog.task("toy").path).unlink()
    ws.close()
    shutil.rmtree(tmp_path / "zoo" / "m0")
    (folder / "jobs.json.12").touch()
    found = states(folder)
    assert (found["models"].state, found["texts"].state, found["leftovers"].state) == ("failed", "warning", "warning")
    assert "'m0'" in found["models"].said
    status, out, _ = cli("doctor", "--workspace", folder)
    assert status == 1
    assert "FAILED   models" in out


def test_a_catalog_that_is_none(workspace, without_browser):
    (workspace / "catalog.duckdb").write_bytes(b"no catalog" * 1000)
    found = states(workspace)["workspace"]
    assert found.state == "failed"
    assert found.mend


def test_a_workspace_that_is_held_is_left_alone(ws, without_browser):
    health(ws)  # open in this process
    code = (f"from explorer.workflows import doctoring\nfor c in doctoring.examine({str(ws.folder)!r}):\n"
            "    if c.name == 'workspace': print(c.state)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "warning"


def answered():
    """What /healthz answers; in a thread of its own, as the browser of other tests has a loop in this one."""
    with ThreadPoolExecutor() as threads:
        return threads.submit(asyncio.run, _server._healthz(None)).result()


def test_the_server_says_how_it_fares_without_a_name(ws, monkeypatch):
    answer = answered()
    assert answer.status_code == 503
    monkeypatch.setattr(_session, "_open", [ws])
    answer = answered()
    assert answer.status_code == 200
    found = json.loads(answer.body)
    assert found["catalog"]["checkpoints"] == 6
    assert found["memory_bytes"] > 0
    assert not any(name in answer.body.decode() for name in ("m0", "toy", str(ws.folder)))
    ws.catalog.close()
    assert answered().status_code == 503
