"""Every reader of what comes from outside, as a function of bytes, with good inputs to begin from.

A reader may return anything or raise an ExplorerError of one line; whatever else it does is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import struct
from pathlib import Path
from urllib.parse import parse_qs

import table_readers  # noqa: F401 - they register themselves
from scenes import READERS, Scene, as_json, files, reader, scene, texts

__all__ = ["READERS", "Scene", "scene"]


def _small(_: Scene) -> list[bytes]:
    head = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
            "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}}
    huge = {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}
    none = {"a": {"dtype": "F32", "shape": [0, 10**12], "data_offsets": [0, 0]}}
    return [struct.pack("<Q", len(t)) + t + bytes(22) for t in (json.dumps(h).encode() for h in (head, huge, none))]


@reader(_small)
def safetensors(data: bytes, at: Scene) -> object:
    from explorer.weights.tensors import open_file

    tensors = open_file(at.put("x.safetensors", data))
    return [float(tensors[name].double().sum()) for name in tensors]


@reader(files("m0/model.safetensors"))
def checkpoint(data: bytes, at: Scene) -> object:
    """A whole model's weights, through every check of an import up to its hash."""
    from explorer.weights.fingerprint import fingerprint
    from explorer.weights.opening import check_against, open_delta

    folder = at.copy("m0")
    (folder / "model.safetensors").unlink()  # it may be mapped still: what is mapped is not written over
    (folder / "model.safetensors").write_bytes(data)
    check_against(folder, at.base)
    return fingerprint(open_delta(folder, at.base), at.base.weights, at.base.layout, str(folder))


@reader(as_json({"metadata": {"total_size": 1}, "weight_map": dict.fromkeys("ab", "model-1.safetensors")}))
def index(data: bytes, at: Scene) -> object:
    from explorer.weights.tensors import open_file

    at.once("shard", lambda: at.put("model-1.safetensors", _small(at)[0]))
    return len(open_file(at.put("model.safetensors.index.json", data)))


@reader(files("base/config.json", "m0/config.json"))
def config(data: bytes, at: Scene) -> object:
    from explorer.weights.opening import check_against, open_base

    folder = at.copy("base")
    (folder / "config.json").write_bytes(data)
    with contextlib.suppress(Exception):
        shown = json.loads(data).get("num_hidden_layers")
        assert not isinstance(shown, int) or shown >= 0
    with contextlib.redirect_stderr(io.StringIO()):
        check_against(folder, at.base)
        return open_base(folder).layout.size


@reader(files("base/config.json"))
def config_alone(data: bytes, at: Scene) -> object:
    """The architecture that a config describes, whatever the base's may be."""
    from explorer.weights.opening import open_base

    folder = at.once("bare", lambda: Path(shutil.copytree(at.zoo / "base", at.room / "bare")))
    (folder / "config.json").write_bytes(data)
    return open_base(folder).layout.size


@reader(lambda s: [*files("lora/adapter_config.json")(s),
                   json.dumps({"peft_type": "LORA", "lora_alpha": 8, "alpha_pattern": {"(a+)+$": 2}}).encode()])
def lora_config(data: bytes, at: Scene) -> object:
    from explorer.weights.opening import open_delta

    folder = at.copy("lora")
    (folder / "adapter_config.json").write_bytes(data)
    delta = open_delta(folder, at.base)
    return float(delta.tensor(at.base.layout.tensors[5]).sum()) if hasattr(delta, "tensor") else delta


@reader(as_json({"name": "n", "dataset": "d", "task": "t", "domain": "x", "seed": 1, "train_size": 10, "method": "full",
               "hyper": {"lr": 1e-4}, "list": [1, "a"]}))
def explorer_json(data: bytes, at: Scene) -> object:
    from explorer.weights.annotations import annotation_of, checked_name

    at.put("explorer.json", data)
    said = annotation_of(at.room)
    return checked_name(said.name or "x", at.room)


@reader(texts("---\nbase_model: a/b\ndatasets:\n- glue\n---\n# Card\n", "---\nbase_model: [a, &x b, *x]\n---\n"))
def card(data: bytes, at: Scene) -> object:
    from explorer.weights.cards import card_of

    at.put("README.md", data)
    return card_of(at.room)


@reader(lambda s: [f.read_bytes() for f in sorted((Path(__file__).parents[2] / "data/recipes").glob("*.yaml"))]
        + [b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"])
def recipe(data: bytes, at: Scene) -> object:
    from explorer.training.files import load

    return load(at.put("recipe.yaml", data))


MERGEKIT = """merge_method: ties
base_model: base
models:
  - model: m0
    parameters: {weight: 0.5, density: [0.1, 0.9]}
  - model: m1
    parameters:
      weight:
        - filter: attention
          value: 0.3
        - value: 0.5
dtype: float32
"""


@reader(texts(MERGEKIT, "merge_method: slerp\nbase_model: m0\nslices:\n- sources:\n"
                         "  - {model: m0, layer_range: [0, 2]}\n"
                         "  - {model: m1, layer_range: [0, 2]}\nparameters: {t: 0.4}\n"))
def mergekit(data: bytes, at: Scene) -> object:
    from explorer.workflows.mergekit import read_mergekit

    return read_mergekit(at.ws, at.put("merge.yml", data))


@reader(texts("0.5", "[0, 1]", "[{filter: attention, value: .5}, {value: 1}]"))
def merge_option(data: bytes, at: Scene) -> object:
    from explorer.verbs.merging import _setting
    from explorer.workflows.merging import merge_point

    value = _setting("--density", data.decode("utf-8", "replace"))
    return merge_point(at.ws, "ties", {"m0": 1.0, "m1": 1.0}, {"density": value})


@reader(texts("map?models=6&method=umap&dims=3&colour=task&alpha=0.5", "path?low=-1&high=2.5&points=13&tasks=a,b%2Cc",
               "mix?mix_models=a,b&weights=0.5,1&mix_task=toy", 
               "start_points?start_size=100&start_rate=0.001&region_full=no"))
def address(data: bytes, at: Scene) -> object:
    """The address of a page: every parameter read, put into a session, and written again."""
    import streamlit as st

    from explorer.pages import _links

    page, _, query = data.decode("utf-8", "surrogateescape").partition("?")
    given = {k: v[-1] for k, v in parse_qs(query, keep_blank_values=True, errors="replace").items()}
    known = _links.VIEWS.get(page, _links.VIEWS["path"])
    st.session_state.clear()
    _links.put(page, {key: _links.read(known[key], text) for key, text in given.items() if key in known})
    kept = _links.state(page)
    said = {key: _links.text(known[key], value) for key, value in kept.items()}
    assert {k: _links.read(known[k], t) for k, t in said.items()} == kept, "an address does not come back as it was"
    return kept


@reader(as_json({"base": "base", "terms": {"m0": 0.5, "m1": 0.5}}, {"terms": {"random:filter:0:m0": 1}},
              {"terms": {'merge:{"method": "ties", "models": {"m0": 1, "m1": 1}, "options": {"density": 0.2}}': 1}}))
def point(data: bytes, at: Scene) -> object:
    from explorer import workflows

    return workflows.resolve(at.ws, data.decode("utf-8", "surrogateescape"))


SAFE = ("map", "gram", "path", "cluster", "region", "barrier", "compare", "mix", "merge", "points", "tasks", "models",
        "locate", "figure", "leaderboard", "stories", "export", "import", "plane", "doctor", "tree", "bases", "jobs")
"""Verbs that neither fetch, train nor serve; each computes next to nothing on the tiny zoo."""


@reader(texts("map\0--method\0pca\0--dims\0002", "path\0m0\0m1\0--task\0toy\0--alphas\0000:1:3", "points\0list",
               "compare\0m0\0m1", "cluster\0--by\0dataset\0--method\0kmeans\0--k\0002", "locate\0m2",
               "mix\0{\"m0\": 0.5, \"m1\": 0.5}\0--task\0toy",
               "tasks\0add\0t\0--train\0toy.csv\0--text\0text\0--label\0y",
               "merge\0--method\0ties\0--models\0m0,m1\0--density\0000.2",
               "figure\0map\0--set\0colour=task\0--out\0m.json",
               "barrier\0m0\0m1\0--task\0toy", "import\0m0\0--base\0base\0--metadata\0toy.csv", "region\0--task\0toy",
               "plane\0m0\0m1\0m2\0--task\0toy\0--grid\0003", "evaluate\0m0\0--task\0toy\0--train-texts\0008"))
def command_line(data: bytes, at: Scene) -> object:
    """The command line in this process; what it would compute for long is stopped by its limit and is no finding."""
    import os

    from explorer.cli import main

    arguments = [part for part in data.decode("utf-8", "surrogateescape").split("\0") if part != "--ray-address"]
    if (arguments[:1] and arguments[0] not in SAFE) or "ray" in arguments or "local" in arguments:
        return None
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(at.room)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main([*arguments, "--workspace", str(at.workspace)])
            except SystemExit as e:
                status = int(e.code or 0)
    finally:
        os.chdir(before)
    assert status in (0, 1, 2), f"status {status}"
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return status
