"""Every reader of what comes from outside, as a function of bytes, with good inputs to begin from.

A reader may return anything or raise an ExplorerError of one line; whatever else it does is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tiny_models import annotate, bert_base, sibling, toy_table


@dataclass
class Scene:
    """Folders that readers may use: a zoo of tiny models, a workspace that holds them, and a place for the input."""

    zoo: Path
    workspace: Path
    room: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What is made for the first input and used for all."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def put(self, name: str, data: bytes) -> Path:
        """The input as a file."""
        path = self.room / name
        path.write_bytes(data)
        return path

    @property
    def base(self) -> Any:
        from explorer.weights.opening import open_base

        return self.once("base", lambda: open_base(self.zoo / "base"))

    @property
    def ws(self) -> Any:
        from explorer import workflows

        return self.once("ws", lambda: workflows.open_workspace(self.workspace))

    def copy(self, name: str) -> Path:
        """A folder of the zoo that the input is put into."""
        return self.once(f"copy {name}", lambda: Path(shutil.copytree(self.zoo / name, self.room / name)))

    def close(self) -> None:
        if ws := self.kept.pop("ws", None):
            ws.close()


def scene(root: Path) -> Scene:
    """A new scene in an empty folder."""
    from explorer import workflows

    zoo, workspace, room = root / "zoo", root / "ws", root / "room"
    room.mkdir()
    base = bert_base(zoo / "base")
    for i in range(3):
        sibling(base, zoo / f"m{i}", seed=i, group=i // 2)
    _adapter(zoo / "lora")
    toy_table(zoo / "toy.csv")
    ws = workflows.open_workspace(workspace)
    workflows.import_folders(ws, [str(zoo / f"m{i}") for i in range(3)], str(base)).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    ws.close()
    return Scene(zoo, workspace, room)


def _adapter(folder: Path) -> None:
    """A LoRA folder as PEFT writes it, on the first layer's queries."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    name = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_{}.weight"
    save_file({name.format("A"): torch.ones(4, 32), name.format("B"): torch.ones(32, 4)},
              folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query"], "alpha_pattern": {"query": 4},
         "rank_pattern": {}, "use_rslora": False, "init_lora_weights": True, "use_dora": False}))
    annotate(folder, task="toy")


Run = Callable[[bytes, Scene], object]
READERS: dict[str, tuple[Run, Callable[[Scene], list[bytes]]]] = {}


def reader(seeds: Callable[[Scene], list[bytes]]) -> Callable[[Run], Run]:
    """Register a reader with its first inputs."""

    def add(run: Run) -> Run:
        READERS[run.__name__] = (run, seeds)
        return run

    return add


def _json(*values: Any) -> Callable[[Scene], list[bytes]]:
    return lambda _: [json.dumps(v).encode() for v in values]


def _texts(*values: str) -> Callable[[Scene], list[bytes]]:
    return lambda _: [v.encode() for v in values]


def _file(*paths: str) -> Callable[[Scene], list[bytes]]:
    return lambda s: [(s.zoo / p).read_bytes() for p in paths]


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


@reader(_file("m0/model.safetensors"))
def checkpoint(data: bytes, at: Scene) -> object:
    """A whole model's weights, through every check of an import up to its hash."""
    from explorer.weights.fingerprint import fingerprint
    from explorer.weights.opening import check_against, open_delta

    folder = at.copy("m0")
    (folder / "model.safetensors").unlink()  # it may be mapped still: what is mapped is not written over
    (folder / "model.safetensors").write_bytes(data)
    check_against(folder, at.base)
    return fingerprint(open_delta(folder, at.base), at.base.weights, at.base.layout, str(folder))


@reader(_json({"metadata": {"total_size": 1}, "weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}))
def index(data: bytes, at: Scene) -> object:
    from explorer.weights.tensors import open_file

    at.once("shard", lambda: at.put("model-1.safetensors", _small(at)[0]))
    return len(open_file(at.put("model.safetensors.index.json", data)))


@reader(_file("base/config.json", "m0/config.json"))
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


@reader(_file("base/config.json"))
def config_alone(data: bytes, at: Scene) -> object:
    """The architecture that a config describes, whatever the base's may be."""
    from explorer.weights.opening import open_base

    folder = at.once("bare", lambda: Path(shutil.copytree(at.zoo / "base", at.room / "bare")))
    (folder / "config.json").write_bytes(data)
    return open_base(folder).layout.size


@reader(lambda s: [*_file("lora/adapter_config.json")(s),
                   json.dumps({"peft_type": "LORA", "lora_alpha": 8, "alpha_pattern": {"(a+)+$": 2}}).encode()])
def lora_config(data: bytes, at: Scene) -> object:
    from explorer.weights.opening import open_delta

    folder = at.copy("lora")
    (folder / "adapter_config.json").write_bytes(data)
    delta = open_delta(folder, at.base)
    return float(delta.tensor(at.base.layout.tensors[5]).sum()) if hasattr(delta, "tensor") else delta


@reader(_json({"name": "n", "dataset": "d", "task": "t", "domain": "x", "seed": 1, "train_size": 10, "method": "full",
               "hyper": {"lr": 1e-4}, "list": [1, "a"]}))
def explorer_json(data: bytes, at: Scene) -> object:
    from explorer.weights.annotations import annotation_of, checked_name

    at.put("explorer.json", data)
    said = annotation_of(at.room)
    return checked_name(said.name or "x", at.room)


@reader(_texts("---\nbase_model: a/b\ndatasets:\n- glue\n---\n# Card\n", "---\nbase_model: [a, &x b, *x]\n---\n"))
def card(data: bytes, at: Scene) -> object:
    from explorer.weights.cards import card_of

    at.put("README.md", data)
    return card_of(at.room)


def _parquets(columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _kinds() -> dict[str, Any]:
    """A column of every kind that a Parquet file can have."""
    import datetime
    import decimal

    import pyarrow as pa

    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return {"name": ["m0", "m1"], "n": [1, None], "x": [0.5, float("nan")], "b": [b"\xff", b""], "l": [[1], []],
            "s": [{"a": 1}, {"a": 2}], "t": [day, day], "far": pa.array([2**62, -(2**62)], pa.timestamp("us")),
            "day": pa.array([2**31 - 1, -(2**31)], pa.date32()), "d": [decimal.Decimal("1.5")] * 2,
            "u": pa.array([2**64 - 1, 0], pa.uint64()), "time": pa.array([1, 2], pa.time64("us"))}


@reader(_texts("name,dataset,seed,lr\nm0,d0,1,1e-4\nm1,d1,2,nan\n", "folder,checkpoint,x\na,b,2020-01-01\n"))
def metadata_csv(data: bytes, at: Scene) -> object:
    return _metadata(at.put("runs.csv", data))


@reader(lambda _: [_parquets({"name": ["m0", "m1"], "seed": [1, 2]}), _parquets(_kinds())])
def metadata_parquet(data: bytes, at: Scene) -> object:
    return _metadata(at.put("runs.parquet", data))


def _metadata(path: Path) -> object:
    from explorer.catalog.metadata import read_table
    from explorer.weights.annotations import annotation

    return [annotation(row, "row") for row in read_table(path).values()]


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


@reader(_texts(MERGEKIT, "merge_method: slerp\nbase_model: m0\nslices:\n- sources:\n"
                         "  - {model: m0, layer_range: [0, 2]}\n"
                         "  - {model: m1, layer_range: [0, 2]}\nparameters: {t: 0.4}\n"))
def mergekit(data: bytes, at: Scene) -> object:
    from explorer.workflows.mergekit import read_mergekit

    return read_mergekit(at.ws, at.put("merge.yml", data))


@reader(_texts("0.5", "[0, 1]", "[{filter: attention, value: .5}, {value: 1}]"))
def merge_option(data: bytes, at: Scene) -> object:
    from explorer.verbs.merging import _setting
    from explorer.workflows.merging import merge_point

    value = _setting("--density", data.decode("utf-8", "replace"))
    return merge_point(at.ws, "ties", {"m0": 1.0, "m1": 1.0}, {"density": value})


@reader(_file("toy.csv"))
def task_csv(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.csv", data))


@reader(_texts("".join(f'{{"text": "a b {k}", "y": "{"pn"[k % 2]}"}}\n' for k in range(40)),
               '{"text": "a b c", "y": "pos"}\n{"text": "d e", "y": 1}\n{"text": "f", "y": null}\n' * 20))
def task_jsonl(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.jsonl", data))


@reader(lambda _: [_parquets({"text": [f"a b {k}" for k in range(40)], "y": [1, 2] * 20}),
                   _parquets({**_kinds(), "text": ["a", "b"], "y": [True, False]})])
def task_parquet(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.parquet", data))


def _table(at: Scene, path: Path) -> object:
    from explorer.tasks.tables import from_table

    return from_table("fuzzed", path, None, ["text"], "y", at.room)


@reader(lambda s: [(s.workspace / "tasks" / "toy.parquet").read_bytes()])
def task_file(data: bytes, at: Scene) -> object:
    """A task's own file, as `prepare.write` makes it."""
    from explorer.tasks import prepare

    path = at.put("toy.parquet", data)
    task = prepare.read_task(path)
    return len(prepare.load(task).train), prepare.is_intact(path)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/x.txt", "text")
        z.writestr("../y.txt", "outside")
        z.writestr("b.txt", bytes(100_000))
    return out.getvalue()


def _tar(*names: str, link: bool = True) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            t.addfile(member, io.BytesIO(b"text"))
        if link:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            t.addfile(member)
    return out.getvalue()


def _archives() -> bytes:
    """Two archives in one, as data sets come."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name in ("a.tar.gz", "b.tar.gz"):
            z.writestr(name, _tar("x.txt", "y/z.txt", link=False))
    return out.getvalue()


@reader(lambda _: [_archives(), _zip(), _zip().replace(b"../y", b"zz/y"), _tar("a/x.txt", "n" * 150), _tar("../x")])
def archive(data: bytes, at: Scene) -> object:
    from explorer.tasks.archives import nested, opened

    with opened(at.put("a.whl", data)) as members:
        read = [members.read(name) for name in members.names[:20]]
        return [nested(raw).names for raw in read[:2]]


@reader(_texts("map?models=6&method=umap&dims=3&colour=task&alpha=0.5", "path?low=-1&high=2.5&points=13&tasks=a,b%2Cc",
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


@reader(_json({"base": "base", "terms": {"m0": 0.5, "m1": 0.5}}, {"terms": {"random:filter:0:m0": 1}},
              {"terms": {'merge:{"method": "ties", "models": {"m0": 1, "m1": 1}, "options": {"density": 0.2}}': 1}}))
def point(data: bytes, at: Scene) -> object:
    from explorer import workflows

    return workflows.resolve(at.ws, data.decode("utf-8", "surrogateescape"))


SAFE = ("map", "gram", "path", "cluster", "region", "barrier", "compare", "mix", "merge", "points", "tasks", "models",
        "locate", "figure", "leaderboard", "stories", "export", "import", "plane", "doctor", "tree", "bases", "jobs")
"""Verbs that neither fetch, train nor serve; each computes next to nothing on the tiny zoo."""


@reader(_texts("map\0--method\0pca\0--dims\0002", "path\0m0\0m1\0--task\0toy\0--alphas\0000:1:3", "points\0list",
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
