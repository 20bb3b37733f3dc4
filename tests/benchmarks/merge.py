"""Merges against mergekit's on the same models: equal tensors, peak memory, time as a command and in a warm process.

    python tests/benchmarks/merge.py --mergekit VENV/bin/mergekit-yaml [--models 16] [--hidden 384] [--methods ties]

mergekit (0.1.5) is run as a command of an environment of its own, named by --mergekit or EXPLORER_MERGEKIT; it is never
imported here. Makes a DistilBERT base (0.1.5 fails on optional tensors of BERT) and n siblings in a temporary folder
(1.6 GB at the default size, removed at the end), imports them, writes a configuration for each method, gives it to
both, and prints one JSON object.

Largest difference: over every tensor of the shared backbone, absolute, and the share of values that differ by more
than 1e-6: of values that are equal at the edge of TIES' trim mergekit's sort, which is not stable, keeps any. Peak
memory: anonymous memory of the command's process, sampled every 5 ms. Cold: the whole command; warm: the median of
further merges in a process that has done one. Files are in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from explorer import workflows
from explorer.workflows.mergekit import to_mergekit
from explorer.workflows.merging import merge_point

METHODS: dict[str, tuple[float, dict[str, Any]]] = {
    "linear": (1.0, {}), "task_arithmetic": (0.3, {}), "ties": (1.0, {"density": 0.2})}
"""Method → (weight of each model, options)."""

PREFIX = "distilbert."
"""mergekit finds this architecture's tensors under names with it only."""

_THEIRS = """
import sys, time, yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
for k in range(int(sys.argv[3])):
    config = MergeConfiguration.model_validate(yaml.safe_load(open(sys.argv[1])))
    start = time.perf_counter()
    run_merge(config, f"{sys.argv[2]}-{k}", options=MergeOptions(quiet=True))
    print("seconds", time.perf_counter() - start, flush=True)
"""
_OURS = """
import sys, time
from pathlib import Path
from explorer import workflows
from explorer.workflows.mergekit import from_mergekit
ws = workflows.open_workspace(sys.argv[4])
for k in range(int(sys.argv[3])):
    start = time.perf_counter()
    workflows.export(ws, from_mergekit(ws, Path(sys.argv[1]))[0], Path(f"{sys.argv[2]}-{k}")).result()
    print("seconds", time.perf_counter() - start, flush=True)
ws.close()
"""


def command(given: str | None = None) -> Path | None:
    """mergekit's command: the one named, of EXPLORER_MERGEKIT or on the path; None where there is none."""
    named = given or os.environ.get("EXPLORER_MERGEKIT") or shutil.which("mergekit-yaml")
    return Path(named) if named and Path(named).is_file() else None


def make(root: Path, models: int, hidden: int, layers: int, vocabulary: int) -> None:
    """A base and its siblings as model folders; half of what moved them is common to all, some values stay."""
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=vocabulary, dim=hidden, hidden_dim=4 * hidden, n_layers=layers,
                              n_heads=max(1, hidden // 32), max_position_embeddings=128)
    DistilBertModel(config).save_pretrained(root / "base")
    model = DistilBertModel.from_pretrained(root / "base")
    base = {f"{PREFIX}{name}": v.contiguous() for name, v in model.state_dict().items()}
    save_file(base, str(root / "base" / "model.safetensors"), metadata={"format": "pt"})
    common = {name: torch.randn_like(v) for name, v in base.items()}
    for i in range(models):
        (root / f"m{i:02d}").mkdir()
        shutil.copyfile(root / "base" / "config.json", root / f"m{i:02d}" / "config.json")
        moved = {name: v + 1e-3 * (common[name] + torch.randn_like(v)) * (torch.rand_like(v) < 0.9)
                 for name, v in base.items()}
        save_file(moved, str(root / f"m{i:02d}" / "model.safetensors"), metadata={"format": "pt"})


def run(arguments: list[str]) -> tuple[float, int, str]:
    """(seconds, peak of anonymous memory in bytes, standard output) of a command; OSError where it fails."""
    start, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(arguments, stdout=out, stderr=err)
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            for line in status.read_text().splitlines() if status.exists() else ():
                if line.startswith("RssAnon"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise OSError(f"{arguments[0]} failed: {err.read()[-2000:]}")
        return seconds, peak, out.read()


def compared(ours: Path, theirs: Path) -> dict[str, float]:
    """How far two model folders are apart, over the tensors of the first."""
    largest, beyond, size, top = 0.0, 0, 0, 0.0
    with (safe_open(str(ours / "model.safetensors"), framework="pt") as mine,
          safe_open(str(next(theirs.glob("model*.safetensors"))), framework="pt") as other):
        for name in mine.keys():  # noqa: SIM118 - a handle is no mapping
            a, b = mine.get_tensor(name), other.get_tensor(f"{PREFIX}{name}")
            apart = (a - b).abs()
            largest, beyond = max(largest, float(apart.max())), beyond + int((apart > 1e-6).sum())
            size, top = size + a.numel(), max(top, float(b.abs().max()))
    return {"largest_difference": largest, "share_beyond_1e-6": beyond / size, "largest_value": top}


def measure(mergekit: Path, models: int = 16, hidden: int = 384, layers: int = 6, vocabulary: int = 30522,
            rounds: int = 3, methods: str = ",".join(METHODS)) -> dict[str, Any]:
    """Figures by method."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make(root, models, hidden, layers, vocabulary)
        ws = workflows.open_workspace(root / "ws")
        folders = [str(root / f"m{i:02d}") for i in range(models)]
        workflows.import_folders(ws, folders, str(root / "base")).result()
        names = [c.name for c in ws.catalog.checkpoints()]
        size = ws.catalog.bases()[0].layout.size
        for method, (weight, options) in METHODS.items():
            point = merge_point(ws, method, dict.fromkeys(names, weight), options)
            (root / f"{method}.yml").write_text(to_mergekit(ws, point))
        ws.close()
        python, workspace = str(mergekit.parent / "python"), str(root / "ws")
        found: dict[str, Any] = {"models": models, "parameters": size}
        for method in methods.split(","):
            config, ours, theirs = str(root / f"{method}.yml"), root / f"{method}-ours", root / f"{method}-theirs"
            cold = run([sys.executable, "-m", "explorer", "merge", config, str(ours), "--workspace", workspace])
            their_cold = run([str(mergekit), config, str(theirs), "--quiet"])
            warm = run([sys.executable, "-c", _OURS, config, f"{ours}-w", str(rounds + 1), workspace])
            their_warm = run([python, "-c", _THEIRS, config, f"{theirs}-w", str(rounds + 1)])
            found[method] = {**compared(ours, theirs),
                             "ours": _figures(cold, warm), "mergekit": _figures(their_cold, their_warm)}
            for folder in root.glob(f"{method}-*"):
                shutil.rmtree(folder)
        return found


def agreement(mergekit: Path, models: int = 4, hidden: int = 32, layers: int = 3,
              vocabulary: int = 200) -> dict[str, dict[str, float]]:
    """How far both are apart by the methods that are not timed, and with settings that differ by layer and model."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make(root, models, hidden, layers, vocabulary)
        ws = workflows.open_workspace(root / "ws")
        names = [f"m{i:02d}" for i in range(models)]
        workflows.import_folders(ws, [str(root / name) for name in names], str(root / "base")).result()
        found = {}
        for k, (method, weights, options) in enumerate(others(names)):
            point = merge_point(ws, method, weights, options)
            config, ours, theirs = root / f"{k}.yml", root / f"{k}-ours", root / f"{k}-theirs"
            config.write_text(to_mergekit(ws, point))
            workflows.export(ws, point, ours).result()
            run([str(mergekit), str(config), str(theirs), "--quiet"])
            found[f"{k} {method}"] = compared(ours, theirs)
        ws.close()
        return found


def others(names: list[str]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(method, weights, options) of further merges."""
    even = dict.fromkeys(names, 1)
    first, second = names[:2]
    gradient = even | {first: [0.2, 1], second: [{"filter": "attention", "value": [1, 0, 0.5]}, {"value": 0.3}]}
    return [("slerp", dict.fromkeys(names[:2], 1), {"t": [0, 0.4, 1]}),
            ("model_stock", even, {}),
            ("model_stock", even, {"filter_wise": True}),
            ("karcher", even, {}),
            ("breadcrumbs", even, {"density": 0.6, "gamma": 0.05}),
            ("breadcrumbs_ties", even, {"density": 0.6, "gamma": 0.05, "rescale": True}),
            ("linear", gradient, {}),
            ("task_arithmetic", gradient, {"lambda": [0.5, 1.5], "normalize": True}),
            ("ties", gradient, {"density": {first: 0.3, second: [1, 0.2]}, "rescale": True})]


def _figures(cold: tuple[float, int, str], warm: tuple[float, int, str]) -> dict[str, float]:
    seconds = [float(line.split()[1]) for line in warm[2].splitlines() if line.startswith("seconds")]
    return {"cold_seconds": cold[0], "warm_seconds": median(seconds[1:]), "peak_anonymous_bytes": cold[1],
            "peak_anonymous_bytes_warm": warm[1]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mergekit", help="mergekit-yaml of its own environment (default: EXPLORER_MERGEKIT)")
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--vocabulary", type=int, default=30522)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default=",".join(METHODS))
    given = vars(parser.parse_args())
    if (program := command(given.pop("mergekit"))) is None:
        sys.exit("mergekit-yaml is not here: install mergekit 0.1.5 in an environment of its own, and give --mergekit")
    print(json.dumps(measure(program, **given), indent=2))
