"""The short form of fuzzing: changed inputs of a fixed seed through every reader, without a finding."""

from __future__ import annotations

import contextlib
import os

import pytest
from fuzz import run
from readers import READERS, Scene

from explorer.errors import ExplorerError

INPUTS = {"config": 6, "config_alone": 6, "checkpoint": 12, "command_line": 8, "task_csv": 12, "recipe": 15,
          "task_parquet": 15, "task_jsonl": 15, "metadata_csv": 15, "metadata_parquet": 15}
"""Inputs of the slower readers; of all others there are forty. EXPLORER_FUZZ multiplies them."""


@pytest.fixture(scope="module")
def at(zoo, made_workspace, tmp_path_factory):
    import shutil

    from scenes import _adapter

    root = tmp_path_factory.mktemp("fuzzing")
    room = root / "room"
    room.mkdir()
    own = root / "zoo"
    own.mkdir()
    for name in ("base", "m0", "m1"):
        (own / name).symlink_to(zoo / name)
    shutil.copy(zoo / "toy.csv", own)
    _adapter(own / "lora")
    made = Scene(own, shutil.copytree(made_workspace, root / "ws"), room)
    yield made
    made.close()


@pytest.mark.parametrize("name", READERS)
def test_one_of_the_first_inputs_of_a_reader_is_taken(at, name):
    """What is refused at once says nothing of what comes after."""
    read, seeds = READERS[name]
    taken = []
    for data in seeds(at):
        with contextlib.suppress(ExplorerError):
            taken.append(read(data, at))
            break
    assert taken


@pytest.mark.parametrize("name", [r for r in READERS if r != "command_line"])
def test_no_input_brings_anything_but_a_result_or_a_plain_refusal(at, name):
    inputs = INPUTS.get(name, 40) * int(os.environ.get("EXPLORER_FUZZ", "1"))
    tally = run(name, at, 600.0, seed=20, inputs=inputs, guided=False)
    assert tally.tried == inputs
    assert not tally.findings, "\n".join(f"{what}: {data[:300]!r}" for what, data in tally.findings.items())
