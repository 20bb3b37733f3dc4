"""The verb `claims`: the paper's claims on this catalog."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from explorer import workflows
from explorer.errors import InputError, UnknownNameError
from explorer.numbers import share
from explorer.statistics.paper import LEDGER
from explorer.types import Entry, Figure
from explorer.verbs.arguments import names, probe
from explorer.verbs.printing import Answer, number, table
from explorer.weights.hidden import whole_file
from explorer.workflows import Workspace, claims
from explorer.workflows.claims.report import markdown, shown
from explorer.workflows.claims.report import number as in_unit


def claims_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    asked = names(args.only) or tuple(claims.CLAIMS)
    for claim in asked:
        if claim not in claims.CLAIMS:
            raise UnknownNameError("claim", claim, claims.CLAIMS)
    out = None if args.out is None else _target(Path(args.out))
    base, how = ws.catalog.base(args.base) if args.base else workflows.main_base(ws), probe(args)
    if args.stored:
        entries = {c: e for c, e in ws.catalog.findings(base.id).items() if c in asked}
    else:
        entries = {e.finding.claim: e for e in claims.ledger(ws, base, how, asked)}
    if out is not None:
        with whole_file(out) as making:
            making.write_text(markdown(entries, asked) + "\n", encoding="utf-8")
    now = claims.states(ws)
    value = {"base": base.name, "claims": [_row(c, entries.get(c), now[c]) for c in asked]}
    told = [_text(c, entries.get(c)) for c in asked]
    return value, "\n\n".join(told)


def _target(out: Path) -> Path:
    if out.suffix != ".md" or out.is_dir() or not out.parent.is_dir():
        raise InputError(f"--out {str(out)!r}: a file .md in a folder that is there is needed.")
    return out


def _row(claim: str, entry: Entry | None, now: str) -> dict[str, Any]:
    known = LEDGER[claim]
    row: dict[str, Any] = {"id": claim, "claim": known.text, "paper": known.figure, "where": known.where,
                           "conflict": known.conflict or None}
    if entry is None:
        return row | {"verdict": None}
    found = entry.finding.as_dict()
    figures = [{k: number(v) if isinstance(v, float) else v for k, v in f.items()} for f in found.pop("figures")]
    found.pop("claim")
    return row | found | {"figures": figures, "probe": entry.probe, "made": entry.made,
                          "out_of_date": entry.state != now}


def _text(claim: str, entry: Entry | None) -> str:
    known = LEDGER[claim]
    head = f"{claim}  {known.text}\n    paper: {known.figure}" + (f" (doubtful: {known.conflict})" if known.conflict
                                                                  else "")
    if entry is None:
        return f"{head}\n    not computed yet"
    rows = [{"": "  ", "figure": f.name, "value": shown(f), "of": f"{f.n} {f.of}",
             "paper": _paper(f)} for f in entry.finding.figures]
    return f"{head}\n    here: {entry.finding.verdict}. {entry.finding.said}" + (f"\n{table(rows)}" if rows else "")


def _paper(figure: Figure) -> str:
    if figure.paper is None:
        return ""
    return share(figure.paper) if figure.unit == "share" else in_unit(figure, figure.paper)
