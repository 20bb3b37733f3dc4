"""Checkpoint folders that must be refused, each made from a good one: name → what the refusal has to speak of.

Every maker gets (zoo, folder): the folder is a copy of m0 unless the maker empties it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Maker = Callable[[Path, Path], None]
MAKERS: dict[str, tuple[Maker, tuple[str, ...]]] = {}


def refused_for(*words: str) -> Callable[[Maker], Maker]:
    """Register a maker with the words its refusal must contain."""

    def add(make: Maker) -> Maker:
        MAKERS[make.__name__] = (make, words)
        return make

    return add


def make(name: str, zoo: Path, folder: Path) -> Path:
    shutil.copytree(zoo / "m0", folder)
    MAKERS[name][0](zoo, folder)
    return folder


def tensors(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def rewrite(folder: Path, state: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def change(folder: Path, name: str, value: Callable[[Any], Any]) -> None:
    state = tensors(folder)
    state[name] = value(state[name].clone())
    rewrite(folder, state)


def config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


QUERY = "bert.encoder.layer.1.attention.self.query.weight"


@refused_for("model.safetensors", "complete")
def truncated(zoo: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


@refused_for("model.safetensors")
def truncated_inside_the_header(zoo: Path, folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100])


@refused_for("model.safetensors")
def no_bytes(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


@refused_for("model.safetensors")
def garbage(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 5000)


@refused_for("query.weight", "(32, 16)", "(32, 32)")
def wrong_shape(zoo: Path, folder: Path) -> None:
    change(folder, QUERY, lambda v: v[:, :16].contiguous())


@refused_for("query.weight", "(1024,)")
def flattened(zoo: Path, folder: Path) -> None:
    change(folder, QUERY, lambda v: v.reshape(-1))


@refused_for("missing", "query.weight")
def missing_tensor(zoo: Path, folder: Path) -> None:
    state = tensors(folder)
    del state[QUERY]
    rewrite(folder, state)


@refused_for("missing")
def head_only(zoo: Path, folder: Path) -> None:
    rewrite(folder, {k: v for k, v in tensors(folder).items() if k.startswith("classifier")})


@refused_for("layer.2")
def extra_layer(zoo: Path, folder: Path) -> None:
    state = tensors(folder)
    state |= {k.replace("layer.1", "layer.2"): v.clone() for k, v in state.items() if "layer.1" in k}
    rewrite(folder, state)


@refused_for("num_hidden_layers", "3", "2")
def extra_layer_in_its_config(zoo: Path, folder: Path) -> None:
    config(folder, num_hidden_layers=3)


@refused_for("NaN", "query.weight")
def nan(zoo: Path, folder: Path) -> None:
    change(folder, QUERY, lambda v: v.index_fill_(0, v.new_tensor([3]).long(), float("nan")))


@refused_for("infinite", "query.weight")
def infinity(zoo: Path, folder: Path) -> None:
    change(folder, QUERY, lambda v: v.index_fill_(0, v.new_tensor([3]).long(), float("inf")))


@refused_for("NaN", "LayerNorm")
def nan_in_a_single_norm_value(zoo: Path, folder: Path) -> None:
    def set_one(v: Any) -> Any:
        v[-1] = float("nan")
        return v

    change(folder, "bert.embeddings.LayerNorm.weight", set_one)


@refused_for("I8")
def quantised_weights(zoo: Path, folder: Path) -> None:
    import torch

    change(folder, QUERY, lambda v: (v * 1000).to(torch.int8))


@refused_for("empty")
def empty_folder(zoo: Path, folder: Path) -> None:
    empty(folder)


@refused_for("no such folder")
def missing_folder(zoo: Path, folder: Path) -> None:
    shutil.rmtree(folder)


@refused_for("no such folder")
def a_file_instead(zoo: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


@refused_for("config.json")
def no_config(zoo: Path, folder: Path) -> None:
    (folder / "config.json").unlink()


@refused_for("config.json", "JSON")
def broken_config(zoo: Path, folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert",')


@refused_for("config.json", "object")
def config_that_is_a_list(zoo: Path, folder: Path) -> None:
    (folder / "config.json").write_text("[]")


@refused_for("config.json", "auto_map")
def config_with_code(zoo: Path, folder: Path) -> None:
    config(folder, auto_map={"AutoModel": "modeling_evil.Evil"})
    (folder / "modeling_evil.py").write_text(f"open({str(zoo / 'executed')!r}, 'w').close()")


@refused_for("no weights")
def no_weights(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@refused_for("pytorch_model.bin", "refused")
def pickle_that_runs_code(zoo: Path, folder: Path) -> None:
    import torch

    torch.save(Bomb(str(zoo / "executed")), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@refused_for("pytorch_model.bin", "refused")
def plain_pickle_that_runs_code(zoo: Path, folder: Path) -> None:
    import pickle

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Bomb(str(zoo / "executed"))}))
    (folder / "model.safetensors").unlink()


@refused_for("pytorch_model.bin")
def garbage_bin(zoo: Path, folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04" + b"\x00" * 100)
    (folder / "model.safetensors").unlink()


@refused_for("pytorch_model.bin")
def truncated_bin(zoo: Path, folder: Path) -> None:
    import torch

    file = folder / "pytorch_model.bin"
    torch.save(tensors(folder), file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (folder / "model.safetensors").unlink()


@refused_for("pytorch_model.bin", "mapping")
def bin_of_a_list(zoo: Path, folder: Path) -> None:
    import torch

    torch.save(list(tensors(folder).values()), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@refused_for("index.json", "JSON")
def broken_index(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {')


@refused_for("index.json", "inside the folder")
def index_that_leaves_the_folder(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    names = ["../m0/model.safetensors"]
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {QUERY: names[0]}}))


@refused_for("index.json", "inside the folder")
def index_with_an_absolute_path(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    shard = str(zoo / "m0" / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {QUERY: shard}}))


@refused_for("shards missing", "model-00002")
def missing_shard(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {QUERY: "model-00002-of-00002.safetensors"}}))


@refused_for("promises", "nowhere")
def index_that_lies(zoo: Path, folder: Path) -> None:
    names = dict.fromkeys([*tensors(folder), "bert.nowhere"], "model-1.safetensors")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


@refused_for("model_type", "roberta")
def other_architecture(zoo: Path, folder: Path) -> None:
    from tiny_models import roberta_base

    empty(folder)
    roberta_base(folder)


@refused_for("hidden_size", "48")
def other_width(zoo: Path, folder: Path) -> None:
    from tiny_models import bert_base

    empty(folder)
    bert_base(folder, hidden_size=48)


@refused_for("vocabulary")
def other_vocabulary(zoo: Path, folder: Path) -> None:
    from tiny_models import WORDS, save_tokenizer

    save_tokenizer(folder, (*WORDS[:5], *reversed(WORDS[5:])))


@refused_for("vocab_size")
def larger_vocabulary(zoo: Path, folder: Path) -> None:
    from tiny_models import bert_base

    empty(folder)
    bert_base(folder, vocab_size=120)


@refused_for("cosine", "another base")
def other_pretraining(zoo: Path, folder: Path) -> None:
    from tiny_models import bert_base

    empty(folder)
    bert_base(folder, seed=77)


@refused_for("duplicate", "m0")
def copy_under_another_name(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").unlink()


@refused_for("duplicate", "m0")
def sharded_copy(zoo: Path, folder: Path) -> None:
    from transformers import BertForSequenceClassification

    empty(folder)
    BertForSequenceClassification.from_pretrained(str(zoo / "m0")).save_pretrained(folder, max_shard_size="40KB")
    assert len(list(folder.glob("*.safetensors"))) > 1


@refused_for("duplicate", "m0")
def copy_as_a_state_dict(zoo: Path, folder: Path) -> None:
    import torch

    torch.save(tensors(folder), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


@refused_for("duplicate", "m0")
def copy_without_head_and_prefix(zoo: Path, folder: Path) -> None:
    rewrite(folder, {k.removeprefix("bert."): v for k, v in tensors(folder).items() if k.startswith("bert.")})


@refused_for("taken", "m1")
def taken_name(zoo: Path, folder: Path) -> None:
    from tiny_models import annotate

    change(folder, QUERY, lambda v: v + 0.01)
    annotate(folder, name="m1")


@refused_for("base", "name")
def reserved_name(zoo: Path, folder: Path) -> None:
    from tiny_models import annotate

    change(folder, QUERY, lambda v: v + 0.01)
    annotate(folder, name="base")


@refused_for("explorer.json", "seed")
def seed_that_is_no_number(zoo: Path, folder: Path) -> None:
    from tiny_models import annotate

    annotate(folder, seed="three")


@refused_for("explorer.json", "seed")
def seed_beyond_all_numbers(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").write_text('{"seed": 1' + "0" * 400 + "}")


@refused_for("explorer.json", "lr")
def column_that_is_no_number(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").write_text('{"lr": Infinity}')


@refused_for("explorer.json", "scores")
def list_with_a_nan(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").write_text('{"scores": [1, NaN]}')


@refused_for("explorer.json", "note")
def half_a_surrogate_pair(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").write_text('{"note": "\\ud800"}')


@refused_for("explorer.json", "JSON")
def broken_metadata(zoo: Path, folder: Path) -> None:
    (folder / "explorer.json").write_text("{name: m0}")


@refused_for("vocab")
def vocabulary_that_is_no_text(zoo: Path, folder: Path) -> None:
    (folder / "vocab.txt").write_bytes(b"\xff\xfe\x00bad")


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.file, "w")
