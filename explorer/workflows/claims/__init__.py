"""The claim ledger: each of the paper's claims as a question to a catalog, and the findings that are kept.

A claim is a function that says what must be measured and what is then concluded; here they are asked in turn and their
findings stored with what they depend on. What a finding rests on can be seen on the page that it names. As in the
paper, models of smaller training sizes than their data set's full one take part in C6 alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from explorer.catalog import runs
from explorer.errors import InputError, UnknownNameError
from explorer.evaluation.work import Ask
from explorer.types import Base, Entry, Finding, Probe, canonical_json, digest
from explorer.workflows.claims import clustering, lines, regions, starts, walks
from explorer.workflows.claims.question import Builder, Question
from explorer.workflows.lines import attempt
from explorer.workflows.opening import Workspace

CLAIMS: Mapping[str, Builder] = {
    "C1": clustering.datasets, "C2": clustering.tasks, "C3": clustering.domain, "C4": clustering.raw,
    "C5": clustering.bases, "C6": clustering.sizes, "C7": lines.between, "C8": lines.beyond,
    "C9": regions.dataset, "C10": regions.task, "C11": regions.general, "C12": walks.outward,
    "C13": starts.whole, "C14": starts.few,
}
"""Every claim of the ledger, in the paper's order."""


def question(ws: Workspace, base: Base, claim: str, probe: Probe) -> Question:
    """What must be measured for a claim; a catalog that has not enough models for it answers by saying so.

    UnknownNameError for a claim that is not in the ledger.
    """
    if claim not in CLAIMS:
        raise UnknownNameError("claim", claim, CLAIMS)
    try:
        return CLAIMS[claim](ws, base, probe)
    except InputError as error:
        said = str(error)
        return Question(claim, (), lambda _: Finding(claim, "not enough models", said))


def ledger(ws: Workspace, base: Base, probe: Probe, only: Sequence[str] | None = None) -> Iterator[Entry]:
    """Ask each claim (None: all), measure what it lacks, and keep the finding; one entry after the other.

    What is measured is kept as it comes, so that an interrupted ledger goes on where it stopped.
    """
    for claim in CLAIMS if only is None else only:
        asked = question(ws, base, claim, probe)
        yield conclude(ws, base, asked, probe, attempt(ws, asked.asks, f"Claim {claim}"))


def conclude(ws: Workspace, base: Base, asked: Question, probe: Probe, reasons: Mapping[Ask, str]) -> Entry:
    """The finding on a question all of whose scores are there, stored."""
    try:
        finding = asked.conclude(reasons)
    except InputError as error:
        finding = Finding(asked.claim, "not enough models", str(error))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = Entry(base.id, finding, described(probe), states(ws)[asked.claim], now)
    ws.catalog.add_findings([entry])
    return entry


def states(ws: Workspace) -> dict[str, str]:
    """By claim, the identity of all that its finding depends on: models, tasks and, of some claims, trainings."""
    models = sorted((c.id, canonical_json([c.value(k) for k in c.STANDARD])) for c in ws.catalog.checkpoints())
    seen = [models, sorted(t.digest for t in ws.catalog.tasks())]
    trained = [*seen, runs.count(ws.catalog.database)]
    return {claim: digest(canonical_json(trained if claim in starts.TRAINED else seen)) for claim in CLAIMS}


def described(probe: Probe) -> str:
    """How losses are measured, in words."""
    head = {"probe": "a linear head fitted afresh", "end-to-end": "the models' own heads",
            "lm": "the language-model head"}[probe.head]
    count = {k: "all" if v == 0 else f"{v}" for k, v in (("train", probe.train), ("test", probe.test))}
    return f"{head}, {count['train']} train and {count['test']} test texts of at most {probe.length} tokens"
