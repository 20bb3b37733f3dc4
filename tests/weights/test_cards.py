"""Model cards: data set and base of the front matter, under explorer.json and tables; cards that say nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from explorer import workflows
from explorer.weights.cards import card_of

CARD = """---
base_model: google/base
datasets:
- stanfordnlp/sst2
license: mit
---
# A model
"""


def written(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


def test_a_card_names_data_set_and_base(tmp_path: Path) -> None:
    said = card_of(written(tmp_path, CARD))
    assert said.dataset == "sst2"
    assert said.columns == {"card.base_model": "google/base", "card.datasets": "stanfordnlp/sst2"}
    assert said.base is None


def test_of_several_data_sets_none_is_the_one(tmp_path: Path) -> None:
    said = card_of(written(tmp_path, "---\ndatasets: [glue, imdb]\n---\n"))
    assert said.dataset is None
    assert said.columns["card.datasets"] == "glue, imdb"


@pytest.mark.parametrize("text", ["", "# only words", "---\nno end", "---\n: : [\n---\n", "---\n- a list\n---\n",
                                  "---\ndatasets: {a: 1}\nbase_model: 3\n---\n", "---\ndatasets: ['']\n---\n"])
def test_what_says_nothing_is_nothing(tmp_path: Path, text: str) -> None:
    said = card_of(written(tmp_path, text))
    assert said.dataset is None
    assert not said.columns


def test_an_import_reads_the_card_and_explorer_json_is_over_it(zoo: Path, tmp_path: Path) -> None:
    folders = []
    for name, own in (("m0", None), ("m1", {"dataset": "mine"})):
        folder = Path(shutil.copytree(zoo / name, tmp_path / name))
        (folder / "explorer.json").unlink(missing_ok=True)
        written(folder, CARD)
        if own:
            (folder / "explorer.json").write_text(json.dumps(own))
        folders.append(str(folder))
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, folders, str(zoo / "base")).result()
    found = {c.name: c for c in ws.catalog.checkpoints()}
    ws.close()
    assert {n: c.dataset for n, c in found.items()} == {"m0": "sst2", "m1": "mine"}
    assert found["m0"].columns["card.base_model"] == "google/base"
