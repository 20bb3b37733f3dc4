"""What fuzzing found, each with its smallest input: refused in one line now, in no time, without reading elsewhere."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import documents
from explorer.errors import CheckpointError, ExplorerError, InputError, RecipeError, TaskError, UnavailableError

BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))])
MERGES = "\n".join(["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 40))])


@pytest.mark.parametrize("text", [
    BOMB, MERGES, "&a [*a]", "[" * 3000, "a: " + "9" * 5000, "2001-99-99", "!!timestamp x", "!!int ''", "!!binary é",
    "!!python/object/apply:os.system [ls]", "a: [", "{a: 1}: 2", "\ud800", "x" * (1 << 19)],
    ids=lambda t: t[:12].encode("ascii", "backslashreplace").decode())
def test_yaml_is_refused_in_one_line_and_in_no_time(text):
    from explorer.training.files import parse

    began = time.process_time()
    for read in (documents.read_yaml, parse):
        with pytest.raises(ExplorerError) as refused:
            read(text)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) <= 2000
    assert time.process_time() - began < 10


def test_json_that_is_deep_or_long_is_refused():
    for text in ("[" * 200 + "]" * 200, "9" * 41, '{"a":' * 100 + "1" + "}" * 100, "[" * 100_000, "{", "\x00"):
        with pytest.raises(InputError):
            documents.read_json(text)
    assert documents.read_json("[1, 1e3, NaN]")[:2] == [1, 1000.0]


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
                    | st.dictionaries(st.text(), inner), max_leaves=12))
def test_any_value_makes_an_annotation_or_is_refused_in_one_line(value):
    from explorer.weights.annotations import annotation

    refused = ""
    try:
        made = annotation({"name": value, "x": value, "seed": value}, "here").columns
    except ExplorerError as error:
        made, refused = {}, str(error)
    assert "\n" not in refused
    assert all(key.isprintable() for key in made)
    json.dumps(dict(made), allow_nan=False).encode()


def _config(zoo: Path, folder: Path, **changes: Any) -> Path:
    import shutil

    shutil.copytree(zoo / "base", folder)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return folder


@pytest.mark.parametrize("changes", [
    {"num_hidden_layers": 10**9}, {"num_hidden_layers": 10**30}, {"num_labels": 10**9}, {"layer_norm_eps": "x"},
    {"pad_token_id": 10**6}, {"dtype": [0]}, {"hidden_act": {}}, {"add_cross_attention": "../../secret"},
    {"attn_implementation": "somebody/attention"}, {"text_config": {"_attn_implementation": "a/b:c"}},
    {"num_attention_heads": 0}, {"hidden_size": -1}], ids=str)
def test_a_config_of_no_model_is_refused_and_fetches_no_code(zoo, tmp_path, changes):
    from explorer.weights.layout import layout_of, read_config

    began = time.process_time()
    with pytest.raises(CheckpointError) as refused:
        layout_of(read_config(_config(zoo, tmp_path / "m", **changes)))
    assert "\n" not in str(refused.value)
    assert time.process_time() - began < 100


@pytest.mark.parametrize("shard", [
    "a" * 300, "../secret.safetensors", "/etc/passwd", "a/b", "..", "", "a\x00", "\ud800", 7])
def test_an_index_names_files_of_its_folder_alone(tmp_path, shard):
    from explorer.weights.tensors import open_file

    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(CheckpointError):
        open_file(index)


def test_shards_that_are_links_are_read_as_a_hub_cache_has_them(tmp_path):
    import torch
    from safetensors.torch import save_file

    from explorer.weights.tensors import open_file

    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    save_file({"a": torch.ones(2)}, tmp_path / "blobs" / "0")
    (tmp_path / "snapshot" / "m.safetensors").symlink_to("../blobs/0")
    index = tmp_path / "snapshot" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "m.safetensors"}}))
    assert open_file(index)["a"].sum() == 2


@pytest.mark.parametrize("header", [
    {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}},
    {"a": {"dtype": "F32", "shape": [10**18, 10**18], "data_offsets": [0, 4]}},
    {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, 
    {"a": {"dtype": "X", "shape": [], "data_offsets": [0, 4]}},
    {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, []], ids=range(6))
def test_a_header_that_claims_what_the_file_has_not_is_refused(tmp_path, header):
    from explorer.weights.tensors import open_file

    text = json.dumps(header).encode()
    file = tmp_path / "x.safetensors"
    for claimed in (len(text), 2**31, 2**63, 2**64 - 1):
        file.write_bytes(struct.pack("<Q", claimed) + text + bytes(8))
        with pytest.raises(CheckpointError):
            open_file(file)


@pytest.mark.parametrize("pattern", [
    "(a+)+$", "(.*)*x", "(a|a)*b", ".*.*.*.*.*x", r"(q)\1", "a{2,}{3,}(b)+", "x" * 300, "("])
def test_a_pattern_that_takes_for_ever_is_refused(pattern):
    import re

    from explorer.weights.lora import _scale

    began = time.process_time()
    with pytest.raises((ValueError, re.error)):
        _scale({"alpha_pattern": {pattern: 1}}, "encoder.layer.0.attention.self.query" + "a" * 40, 4)
    assert time.process_time() - began < 1


def test_patterns_that_peft_writes_are_taken():
    from explorer.weights.lora import _scale

    for pattern in ("query", r"layer\.[0-9]+\.attention\.self\.query", r".*\.query",
                    "layer.(0|1).attention.self.query"):
        assert _scale({"alpha_pattern": {pattern: 8}, "lora_alpha": 1}, "encoder.layer.0.attention.self.query", 4) == 2


@pytest.mark.parametrize(("kind", "text"), [
    ("whole", "9" * 400), ("choice", "9" * 400), ("number", "1e999"), ("numbers", "1,inf"), ("text", "a\udcc6"),
    ("texts", "a,\udcc6"), ("whole", "9" * 5000), ("choice", "٣" * 400)])
def test_no_parameter_of_an_address_is_too_much(kind, text):
    from explorer.pages import _links

    held = _links.Held(kind)
    assert not _links._fits(held, _links.read(held, text))


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for member, content in members:
            member.size = len(content)
            t.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _encrypted() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("a", "text")
    raw = bytearray(out.getvalue())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + at] |= 1
    return bytes(raw)


def _unknown_method() -> bytes:
    return _encrypted().replace(b"\x01\x00\x00\x00", b"\x00\x00\x63\x00")


@pytest.mark.parametrize("raw", [
    _encrypted(), _unknown_method(), _tar((tarfile.TarInfo("../x"), b"x")), _tar((tarfile.TarInfo("/x"), b"x")),
    gzip.compress(bytes(200 << 20), 1), b"", b"PK\x03\x04"], ids=range(7))
def test_an_archive_that_is_none_or_too_much_is_refused(tmp_path, raw, monkeypatch):
    from explorer.tasks import archives

    monkeypatch.setattr(archives, "UNPACKED_BYTES", 64 << 20)
    (tmp_path / "a").write_bytes(raw)

    def read_all():
        with archives.opened(tmp_path / "a") as members:
            return [members.read(name) for name in members.names]

    with pytest.raises(UnavailableError):
        read_all()


def test_a_parquet_file_of_a_thousand_million_rows_is_refused(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from explorer.catalog import metadata
    from explorer.tasks import tables

    file = tmp_path / "x.parquet"
    one = pa.array([0] * 200_000, pa.int32())
    pq.write_table(pa.table({"name": pa.DictionaryArray.from_arrays(one, ["m0"]),
                             "text": pa.DictionaryArray.from_arrays(one, ["t" * 1000])}), file)
    assert file.stat().st_size < 50_000
    monkeypatch.setattr(tables, "MOST_CHARACTERS", 10**8)
    monkeypatch.setattr(metadata, "MOST_ROWS", 10**5)
    with pytest.raises(TaskError, match="characters"):
        tables.read([file], ["text"], "name", None)
    with pytest.raises(InputError, match="rows"):
        metadata.read_table(file)


def test_a_table_whose_name_is_a_pattern_is_no_other_table(tmp_path):
    from explorer.catalog.metadata import read_table
    from explorer.tasks.tables import read

    (tmp_path / "secret.csv").write_text("name,y\nsecret,1\n")
    (tmp_path / "*.csv").write_text("name,y\nmine,2\n")
    assert list(read_table(tmp_path / "*.csv")) == ["mine"]
    assert [row.text for row in read([tmp_path / "*.csv"], ["name"], "y", None)] == ["mine"]


def test_a_message_is_one_line_that_turns_nothing_round():
    said = str(RecipeError("a\nb\u202ec\x1b[31m\ud800" + "x" * 9000))
    assert said.startswith("a b\\u202ec\\x1b[31m\\ud800")
    assert len(said) <= 2000
