"""Fixtures of the whole suite: tiny models on disk and a workspace that holds them. Made once a process."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores already: more threads would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# a quarter of the start of each of the many processes that the tests begin would be compiling the package once more
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


TOGETHER = (r"tests/browser/\w+", r"(?<![a-z])umap", r"(?<![a-z])ray(?![a-z])")
"""Tests whose names match alike run in one process: a page's server, a compilation, a cluster is paid for once."""
ORDER = ("browser/test_every_page", "browser/test_app", "browser/test_live", *TOGETHER, "::test_types")
"""What takes longest comes first, so that no process waits for another at the end; what matches none comes last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((i for i, part in enumerate(ORDER) if re.search(part, item.nodeid.lower())), len(ORDER))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests are given to processes one by one in their order, but for those that belong together."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            found = (re.search(part, nodeid.lower()) for part in TOGETHER)
            return next((match[0] for match in found if match), nodeid)

    config.option.loadscopereorder = False
    return Together(config, log)


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT `base`, its fine-tuned siblings m0 … m5 (m0–m2 and m3–m5 are groups) and `toy.csv`."""
    from tiny_models import bert_base, sibling, toy_table

    root = tmp_path_factory.mktemp("zoo")
    base = bert_base(root / "base")
    for i in range(6):
        sibling(base, root / f"m{i}", seed=i, group=i // 3)
    toy_table(root / "toy.csv")
    return root


@pytest.fixture(scope="session")
def made_workspace(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace with all of the zoo imported and the task `toy`; never written to (see `workspace`)."""
    from explorer import workflows

    folder = tmp_path_factory.mktemp("made") / "ws"
    ws = workflows.open_workspace(folder)
    workflows.import_folders(ws, [str(zoo / f"m{i}") for i in range(6)], str(zoo / "base")).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    ws.close()
    return folder


@pytest.fixture(scope="session")
def sketched_workspace(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four models with their Gram, then two more: all six by sketches of 512 numbers a group."""
    from explorer import settings, workflows

    folder = tmp_path_factory.mktemp("sketched") / "ws"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "SKETCH_FROM", 4)
        patch.setattr(settings, "SKETCH_DIMENSION", 512)
        for numbers in (range(4), range(4, 6)):
            ws = workflows.open_workspace(folder)
            workflows.import_folders(ws, [str(zoo / f"m{i}") for i in numbers], str(zoo / "base")).result()
            ws.close()
    return folder


@pytest.fixture
def workspace(made_workspace: Path, tmp_path: Path) -> Path:
    """A copy of the made workspace that the test may change."""
    return Path(shutil.copytree(made_workspace, tmp_path / "ws"))


@pytest.fixture
def ws(workspace: Path) -> Iterator[Any]:
    """That workspace, open in this process."""
    from explorer import workflows

    opened = workflows.open_workspace(workspace)
    yield opened
    opened.close()


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the command line in this process: (status, standard output, standard error) as file descriptors saw them."""
    from explorer.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as e:  # argparse ends this way
            status = int(e.code or 0)
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        return status, out, err

    return run


@pytest.fixture(scope="module")
def shared(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the made workspace for all tests of a module."""
    return Path(shutil.copytree(made_workspace, tmp_path_factory.mktemp("shared") / "ws"))


@pytest.fixture
def asking(cli: Callable[..., Any]) -> Callable[[Path], Callable[..., Any]]:
    """For a workspace, a function of a verb and its arguments that gives the parsed JSON; the verb must succeed."""

    def of(workspace: Path) -> Callable[..., Any]:
        def run(*arguments: object) -> Any:
            status, out, err = cli(*arguments, "--workspace", workspace, "--json")
            assert status == 0, err
            return json.loads(out, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))

        return run

    return of


@pytest.fixture
def ask(asking: Callable[[Path], Callable[..., Any]], shared: Path) -> Callable[..., Any]:
    """That function for `shared`."""
    return asking(shared)
