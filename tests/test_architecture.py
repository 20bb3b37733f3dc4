"""What a machine can check of the design: import directions, instant start, style, types, documentation."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import explorer
from explorer.pages._frame import WORDS

ROOT = Path(explorer.__file__).parent.parent
MODULES = sorted((ROOT / "explorer").rglob("*.py"))
HEAVY = ("torch", "transformers", "sklearn", "umap", "streamlit", "scipy", "plotly", "peft", "numba")
BIN = Path(sys.executable).parent


def run(*command: str, **options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | options)


def imported(statement: str) -> set[str]:
    """The heavy packages that a statement imports in a fresh interpreter."""
    code = f"{statement}; import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module",
                         ["explorer", "explorer.cli", "explorer.verbs", "explorer.workflows", "explorer.types",
                                    "explorer.catalog", "explorer.backends.local", "explorer.weights.importing",
                                    "explorer.evaluation.work"])
def test_importing_is_light(module: str) -> None:
    assert imported(f"import {module}") == set()


def test_the_catalog_answers_without_torch(made_workspace: Path) -> None:
    arguments = ["gram", "--workspace", str(made_workspace), "--json"]
    assert imported(f"import explorer.cli, io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()):\n"
                    f"    explorer.cli.main({arguments!r})\nimport sys") == set()


def test_help_is_instant() -> None:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        done = run(sys.executable, "-m", "explorer", "--help")
        best = min(best, time.perf_counter() - start)
        assert done.returncode == 0
        assert "VERB" in done.stdout
    assert best <= 0.7
    assert imported("import sys, explorer.cli; sys.stdout.flush(); explorer.cli.parser().format_help()") == set()


@pytest.mark.parametrize("file", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is_and_is_of_one_idea(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    assert len(text.splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} does not fit on a screen"


def test_the_readme_is_there() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_import_directions() -> None:
    done = run(str(BIN / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_style() -> None:
    done = run(str(BIN / "ruff"), "check", "--no-cache", "--output-format", "concise", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    done = run(str(BIN / "mypy"))
    assert done.returncode == 0, done.stdout + done.stderr


def _imports(module: str) -> set[str]:
    """What a module imports as it is imported."""
    file = ROOT / (module.replace(".", "/") + ".py")
    if not file.is_file():
        return set()
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


DRAWING = [f.stem for f in MODULES
           if f.parent.name == "pages" and f.stem[0] != "_" and f.stem not in WORDS - {"claims"}]


@pytest.mark.parametrize("name", DRAWING)
def test_a_page_that_draws_has_imported_pandas_first(name: str) -> None:
    """plotly looks for pandas in sys.modules: half imported by another thread, it has no classes to ask for."""
    known, new = set[str](), {f"explorer.pages.{name}"}
    while new:
        known |= new
        new = {found for module in new if module.startswith("explorer") for found in _imports(module)} - known
    assert "pandas" in known
