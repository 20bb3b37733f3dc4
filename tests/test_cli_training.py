"""`finetune` from the command line: plan, sweep, going on with it, and what is refused before the first step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Cli = Callable[..., tuple[int, str, str]]
RECIPE = """
name: small
bases: [{name: tiny, from: base}]
models:
  - {base: tiny, datasets: [toy], seeds: [0], steps: 3, lr: 1.0e-3, length: 12, train_sizes: [40],
     methods: [full, bitfit]}
"""


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    """Writes the recipe with parts of its text replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = RECIPE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "recipe.yaml").write_text(text)
        return tmp_path / "recipe.yaml"

    return write


def test_plan_sweep_and_going_on(cli: Cli, workspace: Path, recipe: Callable[..., Path], tmp_path: Path):
    out = tmp_path / "out"
    status, said, _ = cli("finetune", recipe(), out, "--dry-run", "--workspace", workspace, "--json")
    plan = json.loads(said)
    assert status == 0
    assert {"out", "runs", "steps", "bytes", "hours", "device"} == set(plan)
    assert (plan["runs"], plan["steps"]) == (2, 6)
    assert plan["hours"] > 0
    assert not out.exists()
    status, said, _ = cli("finetune", recipe(), "--out", out, "--only", "toy-n40-s0", "--workspace", workspace,
                          "--json")
    assert (status, json.loads(said)["models"]) == (0, ["toy-n40-s0"])
    made = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    assert 0.4 * plan["bytes"] / 2 <= made <= plan["bytes"] / 2
    status, said, _ = cli("finetune", recipe(), out, "--resume", "--workspace", workspace)
    assert (status, said.strip()) == (0, f"1 models in {out}")
    status, said, _ = cli("import", out / "models", "--base", "base", "--workspace", workspace, "--json")
    assert status == 0
    assert {r["name"] for r in json.loads(said)["imported"]} == {"toy-n40-s0", "toy-bitfit-n40-s0"}
    status, said, _ = cli("finetune", recipe(), out, "--workspace", workspace, "--dry-run")
    assert said.startswith("0 runs to make")


REFUSED: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "unknown method": ((("full, bitfit", "full, bitfitt"),), "Did you mean 'bitfit'?"),
    "missing data set": ((("[toy]", "[toy, nowhere]"),), "no texts for nowhere"),
    "zero steps": ((("steps: 3", "steps: 0"),), "steps is 0; it must be at least 1"),
    "no length": ((("steps: 3, ", ""),), "neither of steps and epochs came"),
    "both lengths": ((("steps: 3", "steps: 3, epochs: 1"),), "both of steps and epochs came"),
    "more texts than there are": ((("[40]", "[4000]"),), "toy has 240 train texts; the recipe asks for 4000"),
    "no such start": ((("steps: 3", "steps: 3, start: m77"),), "unknown start 'm77'. Known: base, centroid, m0, m1"),
    "unknown key": ((("steps: 3", "steps: 3, patiense: 3"),), "Did you mean 'patience'?"),
    "longer than positions": ((("length: 12", "length: 65"),), "has positions for 64 tokens"),
    "nothing held out": ((("steps: 3", "steps: 3, patience: 1, held_out: 0.01"),), "holds none out"),
    "no such base": ((("from: base", "from: nowhere"),), "nowhere: no such folder, and no hub id"),
    "adapters from elsewhere": ((("full, bitfit", "lora"), ("steps: 3", "steps: 3, start: centroid")),
                                "adapters alone do not hold where they started"),
    "format without adapters": ((("steps: 3", "steps: 3, format: lora"),), "trains no adapters"),
    "too many checkpoints": ((("steps: 3", "steps: 3, checkpoints: 3"),), "fewer than the 3 steps"),
    "pieces of a batch": ((("steps: 3", "steps: 3, accumulate: 64"),), "a batch of 32 has no more pieces"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line_before_the_first_step(case: str, cli: Cli, workspace: Path, recipe: Callable[..., Path],
                                                   tmp_path: Path):
    changes, said = REFUSED[case]
    status, out, err = cli("finetune", recipe(*changes), tmp_path / "out", "--workspace", workspace)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "models").exists()


def test_a_start_of_another_base(cli: Cli, workspace: Path, zoo: Path, recipe: Callable[..., Path], tmp_path: Path):
    from tiny_models import bert_base, sibling

    other = bert_base(tmp_path / "other", seed=9)
    sibling(other, tmp_path / "stranger", seed=1, group=1)
    assert cli("import", tmp_path / "stranger", "--base", other, "--workspace", workspace)[0] == 0
    path = recipe(("steps: 3", "steps: 3, start: stranger"))
    status, _, err = cli("finetune", path, tmp_path / "out", "--workspace", workspace)
    assert status == 2
    assert "the start 'stranger' is a Point of 'other'; the recipe's base is 'base'" in err
    assert not (tmp_path / "out").exists()


def test_more_models_than_the_disk_holds(cli: Cli, workspace: Path, recipe: Callable[..., Path], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 0, 65 << 20))
    path = recipe(("seeds: [0]", f"seeds: {list(range(20))}"))
    status, _, err = cli("finetune", path, tmp_path / "out", "--workspace", workspace)
    assert status == 2
    assert "40 runs need about" in err
    assert "fewer seeds" in err
    assert not (tmp_path / "out").exists()


def test_other_settings_and_two_folders(cli: Cli, workspace: Path, recipe: Callable[..., Path], tmp_path: Path):
    out = tmp_path / "out"
    assert cli("finetune", recipe(), out, "--workspace", workspace, "--only", "toy-n40-s0")[0] == 0
    status, _, err = cli("finetune", recipe(("steps: 3", "steps: 4")), out, "--workspace", workspace)
    assert status == 2
    assert "was made with other settings" in err
    for folders in ([], [out, "--out", out]):
        status, _, err = cli("finetune", recipe(), *folders, "--workspace", workspace)
        assert status == 2
        assert "give the folder for the models once" in err


def test_data_sets_of_the_hub_are_fetched_first(cli: Cli, workspace: Path, recipe: Callable[..., Path], tmp_path: Path):
    """A folder laid out as a data set of the hub stands for it."""
    import pandas as pd

    rows: list[dict[str, Any]] = [{"body": f"w{i % 60} w{i % 7}", "kind": i % 2} for i in range(60)]
    (tmp_path / "hub").mkdir()
    for split, part in (("train", rows[:40]), ("test", rows[40:])):
        pd.DataFrame(part).to_parquet(tmp_path / "hub" / f"{split}.parquet")
    declared = f"datasets: {{mine: {{hub: {tmp_path / 'hub'}, text: [body], label: kind, family: made}}}}\nmodels:"
    path = recipe(("models:", declared), ("[toy]", "[mine]"), ("[40]", "[20]"), (", bitfit", ""))
    status, said, err = cli("finetune", path, tmp_path / "out", "--workspace", workspace, "--json")
    assert (status, json.loads(said)["models"]) == (0, ["mine-n20-s0"]), err
    status, said, _ = cli("tasks", "list", "--workspace", workspace, "--json")
    assert "mine" in said
