"""Backends for the tests: each of them started, a real Ray on this machine among them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from observing import eventually, workers

from explorer import backends, registry
from explorer.backends import Backend

NAMES = registry.names("explorer.backends")
BESIDE = [name for name in NAMES if name != "inline"]


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", folder)
    if folder not in sys.path:
        monkeypatch.syspath_prepend(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two nodes with two CPUs each: two backends find room on it at once."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
        made.add_node(num_cpus=2)
        yield made.address
        made.shutdown()


@pytest.fixture(scope="session")
def ray_backend(cluster: str) -> Iterator[Backend]:
    made = backends.start("ray", address=cluster)
    yield made
    made.close()


def started(name: str, request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A backend for one test; Ray's is the same for all."""
    request.getfixturevalue("importable")
    if name == "ray":
        shared: Backend = request.getfixturevalue("ray_backend")
        shared.watch = lambda _: None
        yield shared
        for job in shared.jobs():
            job.cancel()
            job.wait(10)
        return
    made = backends.start(name)
    yield made
    made.close()
    eventually(lambda: not workers())


@pytest.fixture(params=NAMES)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each backend there is."""
    yield from started(request.param, request)


@pytest.fixture(params=BESIDE)
def beside(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each backend that works beside this process."""
    yield from started(request.param, request)


@pytest.fixture
def local(importable: None) -> Iterator[Backend]:
    made = backends.start("local")
    yield made
    made.close()
    eventually(lambda: not workers())
