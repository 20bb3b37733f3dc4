"""A path that is looked at: what is known of it, what runs for it, and which α comes next. Nothing here is drawn.

What belongs to a session (further α, jobs) is kept under the identity of the path: who comes back finds it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.components.map_and_path import Trail
from explorer.errors import ExplorerError, ForbiddenError, NotFiniteError
from explorer.evaluation.work import Ask
from explorer.figures.curves import Curve, Quantity
from explorer.pages._jobs import active, cancel
from explorer.pages._session import changed, fail, has_texts, me, opened
from explorer.pages._stage import staged
from explorer.paths.alphas import is_far
from explorer.paths.boundary import Boundary
from explorer.paths.refinement import next_alpha
from explorer.types import Line, MapSpec, Probe, Score, Task
from explorer.workflows import pictures
from explorer.workflows.lines import SIDES, boundary_step
from explorer.workflows.probing import URGENT

PATIENCE = 1.2
"""Seconds a settled α is waited for before the page goes on and the curve is drawn again as it comes."""
REFINED = 6
"""At most so many α are added to a path by themselves."""
_KEPT = 80


@dataclass(frozen=True)
class Walk:
    """A path that is looked at: its line (the α of its grid), the names of its ends, tasks, and what is shown."""

    line: Line
    zero: str
    one: str
    tasks: tuple[Task, ...]
    probe: Probe
    quantity: Quantity = "loss"

    @property
    def key(self) -> str:
        """Identity of what is measured."""
        return "-".join((self.line.zero.hash, self.line.one.hash, self.probe.key, str(hash(self.line.alphas)),
                         *(t.digest for t in self.tasks)))

    @property
    def far(self) -> bool:
        return is_far(self.line.alphas)


def extra(walk: Walk) -> list[float]:
    """α that were asked for besides the grid, by the user or by refinement; kept for the session."""
    known: dict[str, list[float]] = st.session_state.setdefault("further_alphas", {})
    return known.setdefault(f"{walk.line.zero.hash}-{walk.line.one.hash}", [])


def alphas(walk: Walk) -> tuple[float, ...]:
    """The grid's α and the further ones within its limits, sorted."""
    low, high = min(walk.line.alphas), max(walk.line.alphas)
    return tuple(sorted({*walk.line.alphas, *(a for a in extra(walk) if low <= a <= high)}))


def whole(walk: Walk) -> Line:
    return Line(walk.line.zero, walk.line.one, alphas(walk))


def job_of(walk: Walk) -> Job | None:
    """This session's job for this path, if it has one; a job for another path is cancelled."""
    kept: tuple[str, Job] | None = st.session_state.get("path_job")
    if kept is None:
        return None
    if kept[0] != walk.key:
        cancel(kept[1])
        del st.session_state["path_job"]
        return None
    return kept[1]


def begin(ws: workflows.Workspace, walk: Walk) -> Job | None:
    """Starts what this path lacks, unless it runs already; None if nothing is missing or texts are not here."""
    job = job_of(walk)
    if job is not None or not all(has_texts(t) for t in walk.tasks):
        return job
    asks = workflows.passes(ws, whole(walk), walk.tasks, walk.probe)
    if not asks:
        return None
    title = f"{walk.zero} to {walk.one} on {', '.join(t.name for t in walk.tasks)}"
    try:
        job = workflows.measure(ws, asks, title=title, owner=me(), replaces=f"path-{me()}")
    except ForbiddenError as error:
        fail(error)  # what is known of the path is shown all the same
        return None
    st.session_state["path_job"] = (walk.key, job)
    return job


def values(ws: workflows.Workspace, walk: Walk) -> list[Curve]:
    """One curve a task; several are each minus the base's value, with their mean over them."""
    return pictures.curves(ws, whole(walk), walk.tasks, walk.probe, walk.quantity)


@st.cache_resource(show_spinner=False)
def warmed(base: str) -> bool:
    """Load a base's model once, as soon as something is selected: what usually follows is a path."""
    ws = opened()  # the server's doing, and nobody's job
    workflows.warm(ws, ws.catalog.base(base))
    return True


def trail_of(ws: workflows.Workspace, spec: MapSpec, walk: Walk) -> Trail | None:
    """The path on this map, as far as it can be placed there.

    Exactly on PCA (under the cosine metric a line is an arc); through its transform on UMAP, once that has been
    computed, which begins when the path itself is measured; not at all on other maps.
    """
    exact = 1 if spec.metric == "euclidean" else 40
    steps = {"pca": exact, "umap": 10}.get(spec.method)
    if steps is None:
        return None
    low, high = max(min(walk.line.alphas), -1.0), min(max(walk.line.alphas), 2.0)
    at = [low + (high - low) * i / steps for i in range(steps + 1)]
    points = [walk.line.zero.moved(walk.line.one, a) for a in at]
    if spec.method == "pca":
        return Trail(at, workflows.place(ws, spec, points))
    key = f"{spec.key}-{walk.line.zero.hash}-{walk.line.one.hash}-{low}-{high}"
    jobs: dict[str, Job] = st.session_state.setdefault("placing", {})
    if key not in jobs and not staged() and not active(job_of(walk)) and not lacking(ws, walk):
        try:
            jobs[key] = workflows.place_job(ws, spec, points)
        except ForbiddenError as error:
            fail(error)
    job = jobs.get(key)
    return Trail(at, job.results[-1]) if job is not None and job.state == "done" else None


def lacking(ws: workflows.Workspace, walk: Walk) -> bool:
    """Whether a measurement of this path is about to begin."""
    return all(has_texts(t) for t in walk.tasks) and bool(workflows.passes(ws, whole(walk), walk.tasks, walk.probe))


def placing(walk: Walk) -> bool:
    """Whether the path's place on the map is still being computed."""
    ends = f"-{walk.line.zero.hash}-{walk.line.one.hash}-"
    return any(active(job) for key, job in st.session_state.get("placing", {}).items() if ends in key)


def first_alpha(walk: Walk) -> float:
    """Where α is when a path is drawn anew: where it rested last on this path, or where a link has put it."""
    if changed("alpha", (walk.line.zero.hash, walk.line.one.hash), "alpha"):
        st.session_state.pop("alpha", None)
    low, high = min(walk.line.alphas), max(walk.line.alphas)
    alpha: float = st.session_state.get("alpha", 0.5)
    return alpha if low <= alpha <= high else low


def settled(ws: workflows.Workspace, walk: Walk, alpha: object) -> None:
    """The α that came to rest joins the curve: measured first on some texts, ahead of everything else, then on all."""
    if isinstance(alpha, (int, float)):
        st.session_state["alpha"] = float(alpha)
    if not isinstance(alpha, (int, float)) or alpha in alphas(walk) or staged():
        return
    if not all(has_texts(t) for t in walk.tasks):
        return
    try:
        point = walk.line.zero.moved(walk.line.one, float(alpha))
        extra(walk).append(float(alpha))
        del extra(walk)[:-_KEPT]
        asks = workflows.passes(ws, Line(point, point, (0.0,)), walk.tasks, walk.probe)
        workflows.measure(ws, asks, owner=me(), replaces=f"alpha-{me()}", priority=URGENT,
                          title=f"α = {alpha:g} from {walk.zero} to {walk.one}").wait(PATIENCE)
    except ExplorerError as error:
        fail(error)


def go_on(ws: workflows.Workspace, walk: Walk) -> bool:
    """Asks for one more α: towards a boundary that is looked for, or where the curve is least certain."""
    if not all(has_texts(t) for t in walk.tasks) or not st.session_state.get("auto", True) or staged():
        return False
    point = walk.line.zero.moved
    alpha = next_boundary(ws, walk)
    if alpha is None and len(refined(walk)) < REFINED:
        known = [(a, v) for a, v in zip(alphas(walk), values(ws, walk)[0].values, strict=True) if v is not None]
        if all(v.measured == "full" for _, v in known):
            alpha = next_alpha([a for a, _ in known], [v.value for _, v in known], [v.stderr for _, v in known],
                               min(walk.line.alphas), max(walk.line.alphas), far=walk.far)
        if alpha is not None:
            refined(walk).append(alpha)
    if alpha is None:
        return False
    extra(walk).append(alpha)
    asks = [Ask(point(walk.line.one, alpha), task, walk.probe) for task in walk.tasks]
    try:
        job = workflows.measure(ws, asks, title=f"α = {alpha:g} from {walk.zero} to {walk.one}", owner=me(),
                                replaces=f"path-{me()}")
    except ForbiddenError as error:
        fail(error)
        return False
    st.session_state["path_job"] = (walk.key, job)
    return active(job)


def refined(walk: Walk) -> list[float]:
    """The α that refinement has added to this path."""
    known: dict[str, list[float]] = st.session_state.setdefault("refined_alphas", {})
    return known.setdefault(walk.key, [])


def boundaries(ws: workflows.Workspace, walk: Walk) -> list[Boundary | float]:
    """Both sides' boundary as far as it is known: the answer, or the α that is to be measured next.

    Empty where none is looked for. The threshold of a side is the loss of its end plus the chosen excess.
    """
    excess = st.session_state.get("excess") or 0.0
    if not st.session_state.get("find_boundary") or excess <= 0 or len(walk.tasks) != 1:
        return []
    line = Line(walk.line.zero, walk.line.one, (0.0, 1.0, *walk.line.alphas, *extra(walk)))
    scores = ws.catalog.scores(line.points, walk.tasks[0], walk.probe)
    known: dict[float, Score | None] = {a: s for a, s in zip(line.alphas, scores, strict=True) if s is not None}
    if not {0.0, 1.0} <= known.keys():
        return []
    known |= dict.fromkeys(lost(walk))
    return [boundary_step(known, side, excess) for side in SIDES]


def lost(walk: Walk) -> list[float]:
    """The α of this path at which the model overflowed: it has no loss there, and lies beyond any boundary."""
    known: dict[str, list[float]] = st.session_state.setdefault("lost_alphas", {})
    found, job = known.setdefault(walk.key, []), job_of(walk)
    if job is not None and isinstance(job.cause, NotFiniteError) and extra(walk) and extra(walk)[-1] not in found:
        found.append(extra(walk)[-1])
    return found


def next_boundary(ws: workflows.Workspace, walk: Walk) -> float | None:
    asked = [step for step in boundaries(ws, walk) if isinstance(step, float) and step not in extra(walk)]
    return asked[0] if asked else None
