"""Is it true, and is it true of my models? The paper's claims beside what this catalog says of each."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.figures.forest import forest
from explorer.pages._charts import show_figure
from explorer.pages._jobs import TICK, bar
from explorer.pages._links import put
from explorer.pages._pressing import pressed
from explorer.pages._session import chosen_base, dark, fail, nothing_yet, plain, workspace
from explorer.pages._visitor import editors
from explorer.statistics.paper import LEDGER
from explorer.types import Base, Entry, Figure, Probe
from explorer.workflows import claims
from explorer.workflows.claims.report import markdown, shown
from explorer.workflows.claims.running import Run

BADGES = {"agrees": ("agrees", "green", ":material/check:"), "differs": ("differs", "orange", ":material/close:"),
          "not enough models": ("not enough models", "gray", ":material/remove:")}
OPEN = "claim_open"
WIDTHS = [1.1, 0.95, 1.75, 0.42]


@st.cache_resource(show_spinner=False)
def running() -> dict[str, Run]:
    """The run of each base that this server has begun last; all sessions see it."""
    return {}


def head(ws: workflows.Workspace, base: Base, entries: dict[str, Entry]) -> None:
    """What the ledger says in one line, and the buttons."""
    counts = {v: sum(e.finding.verdict == v for e in entries.values()) for v in BADGES}
    with st.container(horizontal=True, vertical_alignment="center", gap="small",
                      key="controls_head"):
        for verdict, (name, colour, icon) in BADGES.items():
            if counts[verdict]:
                st.badge(f"{counts[verdict]} {name}", icon=icon, color=colour)  # type: ignore[arg-type]
        models = len(ws.catalog.checkpoints(base.id))
        st.caption(f"On the {models} models of {plain(base.name)}; the paper's are of RoBERTa-base.", width="stretch")
        st.download_button("Report", lambda: markdown(entries, claims.CLAIMS), f"claims-{base.name}.md",
                           "text/markdown", icon=":material/download:", disabled=not entries)
        if pressed("Recompute all", key="recompute", of=base.id, icon=":material/refresh:",
                   type="secondary" if entries else "primary", **editors()):
            begin(ws, base, None)
    run = running().get(base.id)
    if run is not None and run.claim is not None:
        progress(run)
    elif run is not None and run.error:
        fail(run.error)
    elif not entries:
        st.info("Nothing is computed yet for this base. The clusters take seconds; lines and regions measure some "
                "hundred points each.", icon=":material/hourglass_empty:")


def begin(ws: workflows.Workspace, base: Base, only: list[str] | None) -> None:
    """Ask claims in the background, unless some are asked already."""
    run = running().get(base.id)
    if run is None or run.claim is None:
        running()[base.id] = Run(ws, base, Probe(), only)
    st.rerun()


def progress(run: Run) -> None:
    """Which claim is asked, and how far its measurement is; the page is drawn again when the claim is found."""
    seen = run.done

    @st.fragment(run_every=TICK)
    def line() -> None:
        if run.claim is None or run.done != seen:
            st.rerun()
        with st.container(height=58, border=False):
            if (job := run.job) is not None:
                bar(job, "claims")
            else:
                st.progress(run.done / len(run.claims), text=f"{run.claim}: {run.done} of {len(run.claims)} claims")

    line()


def row(ws: workflows.Workspace, base: Base, claim: str, entry: Entry | None, now: str) -> None:
    """A claim: what the paper says, what is found here, and, when opened, all figures and where they come from."""
    known = LEDGER[claim]
    with st.container(border=True, gap="small"):
        left, middle, right, end = st.columns(WIDTHS, gap="medium", vertical_alignment="top")
        left.markdown(f"**{claim}** \u2002{plain(known.text[:1].upper() + known.text[1:])}")
        doubt = f"  \n:material/help: Doubtful: {plain(known.conflict)}" if known.conflict else ""
        middle.caption(f"{plain(known.figure)} ({plain(known.where)}){doubt}")
        if entry is None:
            right.markdown(":gray-badge[not computed yet]")
        else:
            name, colour, icon = BADGES[entry.finding.verdict]
            old = " :gray-badge[:material/update: out of date]" if entry.state != now else ""
            right.markdown(f":{colour}-badge[{icon} {name}]{old}  \n{plain(entry.finding.said)}")
            opened = st.session_state.get(OPEN) == claim
            end.button("Close" if opened else "Figures", key=f"open-{claim}", type="tertiary", on_click=_toggle,
                       args=(claim,), icon=":material/expand_less:" if opened else ":material/expand_more:")
        if entry is not None and st.session_state.get(OPEN) == claim:
            detail(ws, base, entry)


def _toggle(claim: str) -> None:
    st.session_state[OPEN] = None if st.session_state.get(OPEN) == claim else claim


def detail(ws: workflows.Workspace, base: Base, entry: Entry) -> None:
    """The figures with intervals, chance and the paper's, what they were found on, and the way to the view."""
    found = entry.finding
    for unit, some in groupby(sorted(found.figures, key=lambda f: f.unit != "share"), key=lambda f: f.unit):
        figures: list[Figure] = list(some)
        show_figure(forest(figures, [f"{shown(f)}; {f.n} {f.of}" for f in figures], dark=dark()),
                    key=f"forest-{found.claim}-{unit}", alt=f"Figures of {found.claim} with their intervals.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        measured = f" Losses: {entry.probe}." if found.page != "clusters" else ""
        st.caption(plain(f"{found.sample}.{measured} Found {entry.made[:16].replace('T', ' ')} UTC."), width="stretch")
        if pressed("Recompute", key=f"again-{found.claim}", of=base.id, icon=":material/refresh:", **editors()):
            begin(ws, base, [found.claim])
        if found.page and pressed("Open the view", key=f"view-{found.claim}", of=base.id,
                                  icon=":material/open_in_new:"):
            refused = put(found.page, found.settings)
            assert not refused, refused
            st.switch_page(f"explorer/pages/{found.page}.py")


def show() -> None:
    ws = workspace()
    base = chosen_base(ws)
    if base is None or not ws.catalog.checkpoints(base.id):
        nothing_yet("The claims are about checkpoints, and there are none yet. Import some on the Catalog page.")
        return
    try:
        entries, now = ws.catalog.findings(base.id), claims.states(ws)
        head(ws, base, entries)
        with st.container(key="heads"):
            for column, title in zip(st.columns(WIDTHS, gap="medium"), ("The paper claims", "Its figure", "Here"),
                                     strict=False):
                column.caption(f"**{title}**")
        for claim in claims.CLAIMS:
            row(ws, base, claim, entries.get(claim), now[claim])
    except ExplorerError as error:
        fail(error)


show()
