"""The README is true: its commands parse, its Python runs, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from explorer import cli, settings, workflows
from explorer.catalog import bundle
from explorer.workflows import claims
from explorer.workflows.claims.report import markdown

README = (settings.ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("python -m explorer ")]
    return [shlex.split(line)[3:] for line in lines]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of its own with the shipped catalog."""
    bundle.unpack(settings.DEMO / "catalog", tmp_path)
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_command_parses(command: list[str]) -> None:
    if "--help" not in command:
        cli.parser().parse_args(command)


def stored(command: list[str]) -> bool:
    """Whether the shipped scores answer it; the others need texts."""
    known = {"map", "evaluate", "path", "cluster", "locate", "claims"}
    return command[0] in known and not {"--extrapolate", "--boundary"} & set(command)


@pytest.mark.parametrize("command", [c for c in commands() if stored(c)], ids=" ".join)
def test_command_answers_from_the_shipped_catalog(command: list[str], demo: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_the_ledger_is_the_shipped_one(demo: Path) -> None:
    ws = workflows.open_workspace(demo)
    entries = ws.catalog.findings(workflows.main_base(ws).id)
    now = claims.states(ws)
    ws.close()
    assert entries.keys() == claims.CLAIMS.keys()
    assert {claim: e.state for claim, e in entries.items()} == now
    shown = README.split("<!-- ledger -->")[1].split("<!-- /ledger -->")[0].strip()
    assert shown == markdown(entries, claims.CLAIMS, figures=False)


def test_links_lead_somewhere() -> None:
    local = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert local
    assert [link for link in local if not (settings.ROOT / link).exists()] == []


def test_the_two_commands_are_there() -> None:
    assert "pip install -e . && streamlit run app.py" in README
    assert "pip install -e '.[test]' && pytest" in README
