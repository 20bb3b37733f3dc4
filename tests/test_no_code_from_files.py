"""No code out of a file is ever run: what could run it does not occur, or only in its harmless form."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import explorer

ROOT = Path(explorer.__file__).parent
OWN = {"backends/_lane.py", "backends/_scheduler.py"}
"""Where pickled values come from the program's own processes through its own pipes, never from a file."""


def calls(file: Path) -> list[tuple[str, ast.Call]]:
    for last in (False, False, True):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            break
        except SystemError:  # Python 3.11 miscounts while another thread of this process compiles too
            if last:
                raise
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def argument(call: ast.Call, name: str) -> str | None:
    return next((ast.unparse(k.value) for k in call.keywords if k.arg == name), None)


@pytest.mark.parametrize("file", sorted(ROOT.rglob("*.py")), ids=lambda f: str(f.relative_to(ROOT)))
def test_nothing_that_runs_code_of_a_file(file):
    for name, call in calls(file):
        last = name.rpartition(".")[2]
        if name in ("pickle.loads", "pickle.load", "pickle.Unpickler"):
            assert str(file.relative_to(ROOT)) in OWN
        assert name.partition(".")[0] not in ("joblib", "dill", "cloudpickle", "marshal", "shelve"), name
        assert name not in ("eval", "exec", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "torch.hub.load"), name
        if name == "torch.load":
            assert argument(call, "weights_only") == "True"
        if name in ("np.load", "numpy.load"):
            assert argument(call, "allow_pickle") in (None, "False")
        assert argument(call, "trust_remote_code") in (None, "False")
        assert argument(call, "shell") in (None, "False")
        assert argument(call, "unsafe_allow_html") in (None, "False"), "names could become markup"
        if last == "from_pretrained" and name.startswith("Auto"):
            assert argument(call, "trust_remote_code") in (None, "False")


def test_yaml_is_read_in_one_place():
    users = {str(f.relative_to(ROOT)) for f in ROOT.rglob("*.py") for name, _ in calls(f)
             if name.startswith("yaml.") and not name.endswith("dump")}
    assert users == {"documents.py"}
