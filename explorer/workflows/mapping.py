"""The Gram of a workspace and the maps made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explorer import registry, settings
from explorer.backends import Job, Work
from explorer.errors import UnavailableError, UnknownNameError
from explorer.merges._recipe import is_merge
from explorer.paths.walks import with_directions
from explorer.projections._placing import between, pca_and_base
from explorer.projections._placing import place as place_points
from explorer.projections._work import Placing, Projecting
from explorer.types import Gram, MapSpec, Point, Projection
from explorer.weights.directions import is_generated
from explorer.weights.signs import Signing, SignRow
from explorer.workflows._kept import Kept
from explorer.workflows.merging import gram_with_merges
from explorer.workflows.naming import main_base
from explorer.workflows.opening import Workspace

# Maps that numpy alone computes in the time of a page: no job is made of them.
_INSTANT = ("pca",)
_maps: Kept[Projection] = Kept(8)


def gram(ws: Workspace, base: str | None = None, layers: Sequence[str] | None = None,
         kinds: Sequence[str] | None = None) -> Gram:
    """The Gram of a base's checkpoints (by name or id; None: the main base; "all": of every base)."""
    chosen = None if base == "all" else (ws.catalog.base(base) if base else main_base(ws)).id
    return ws.catalog.gram(chosen).select(layers, kinds)


def with_terms(ws: Workspace, gram: Gram, points: Sequence[Point]) -> Gram:
    """A base's Gram with a row for every merge and random direction in some Points of that base.

    Directions are taken as at right angles to all else (see `with_directions`); of a merge one pass over the models
    says exactly, and is waited for.
    """
    if not any(is_merge(term) for point in points for term, _ in point.terms):
        return with_directions(gram, points, ws.catalog.base(points[0].base).layout)
    whole = gram_with_merges(ws, points)
    found = whole.subset([*gram.ids, *(i for i in whole.ids if is_merge(i) or is_generated(i))])
    kept = [found.groups.index(g) for g in gram.groups]
    return Gram(found.ids, gram.groups, found.values[kept], gram.sketch)


def signs(ws: Workspace, base: str | None = None) -> Job | None:
    """Compute what the Gram of signs lacks of a base's layout; its rows are stored. None if it lacks nothing."""
    chosen = main_base(ws) if base in (None, "all") else ws.catalog.base(str(base))
    ranked, known = ws.catalog.ranked(chosen.layout.key), ws.catalog.signed(chosen.layout.key)
    if known == len(ranked):
        return None
    if len(ranked) > settings.SKETCH_FROM:
        raise UnavailableError(f"signed agreement compares every parameter of every two models; of {len(ranked):,} "
                               f"models that takes too long (at most {settings.SKETCH_FROM:,}).")
    bases = [b for b in ws.catalog.bases() if b.layout.key == chosen.layout.key]
    request = Signing(tuple((b, str(ws.catalog.resolve(b.path))) for b in bases),
                      tuple((c.id, str(ws.catalog.resolve(c.path)), c.base) for c in ranked), known)

    def keep(made: object) -> None:
        if isinstance(made, SignRow):
            ws.catalog.add_signs(made.checkpoint, made.row)

    return ws.backend.submit(Work("Signs of all task vectors", "explorer.weights.signs:sign_rows", request,
                                  lane="side"), keep)


def sign_gram(ws: Workspace, base: str | None = None, layers: Sequence[str] | None = None,
              kinds: Sequence[str] | None = None) -> Gram:
    """The Gram of the signs of a base's task vectors (see `gram`); what it lacks is computed, and waited for."""
    if (job := signs(ws, base)) is not None:
        job.result()
    chosen = None if base == "all" else (ws.catalog.base(base) if base else main_base(ws)).id
    return ws.catalog.gram(chosen, signs=True).select(layers, kinds)


def projection(ws: Workspace, spec: MapSpec) -> Projection | None:
    """The stored map, or one that is computed at once (PCA); None if it needs a job."""
    chosen = _map_gram(ws, spec)
    if chosen.sketch is not None and spec.method == "pca":
        return _without_base(_sketched_map(ws, spec, chosen))
    if stored := ws.catalog.projection(spec, chosen.ids):
        return stored
    if spec.method not in _INSTANT:
        if spec.method not in (known := registry.names("explorer.projections")):
            raise UnknownNameError("projection method", spec.method, known)
        return None
    made: Projection = registry.find("explorer.projections", spec.method)(chosen, spec.dims, spec.metric,
                                                                          seed=spec.seed)
    return made


def project(ws: Workspace, spec: MapSpec) -> Job:
    """Compute a map in the backend; its coordinates are stored, equal for every later viewer."""
    work = Work(f"{spec.method.upper()} map", "explorer.projections._work:project",
                Projecting(_map_gram(ws, spec), spec), lane="side")
    return ws.backend.submit(work, lambda made: ws.catalog.add_projection(spec, made))


def place(ws: Workspace, spec: MapSpec, points: Sequence[Point]) -> np.ndarray:
    """Coordinates (m, k) of linear Points in a map that is computed at once; UnavailableError for other maps."""
    if spec.method not in _INSTANT:
        raise UnavailableError(f"placing Points in a {spec.method} map takes a job; use `place_job`, or a PCA map.")
    chosen = _map_gram(ws, spec)
    if chosen.sketch is None:
        return place_points(chosen, points, spec.method, spec.dims, spec.metric, seed=spec.seed)
    whole, terms = _sketched_map(ws, spec, chosen), sorted({term for point in points for term, _ in point.terms})
    return between(chosen.subset(terms), whole.coords[chosen.places(terms)], whole.coords[-1], points, spec.metric)


def _sketched_map(ws: Workspace, spec: MapSpec, chosen: Gram) -> Projection:
    """The map of a large catalog with the base's place as its last row: computed once, as its sketches are large."""
    ids = (*chosen.ids, "")

    def make() -> Projection:
        if (stored := ws.catalog.projection(spec, ids)) is not None:
            return stored
        made, base = pca_and_base(chosen, spec.dims, spec.metric)
        whole = replace(made, ids=ids, coords=np.vstack([made.coords, base]))
        ws.catalog.add_projection(spec, whole)
        return whole

    return _maps.get((str(ws.folder), spec.key, chosen.sketch, hash(ids)), make)


def _without_base(whole: Projection) -> Projection:
    return replace(whole, ids=whole.ids[:-1], coords=whole.coords[:-1])


def kept_points(ws: Workspace, base: str) -> dict[str, Point]:
    """The Points of a base that were given a name and are sums of its models, which every PCA map can place at once."""
    known = {c.id for c in ws.catalog.checkpoints(base)}
    return {name: point for name, point in ws.catalog.points().items()
            if point.base == base and all(term in known for term, _ in point.terms)}


def place_job(ws: Workspace, spec: MapSpec, points: Sequence[Point]) -> Job:
    """Place Points in the backend (UMAP's transform); its result is one array (m, k)."""
    request = Placing(_map_gram(ws, spec), spec, tuple(points))
    return ws.backend.submit(Work(f"Points in the {spec.method} map", "explorer.projections._work:place_points",
                                  request,
                                  lane="side"))


def _map_gram(ws: Workspace, spec: MapSpec) -> Gram:
    whole = ws.catalog.gram(spec.base).select(spec.layers, spec.kinds)
    return whole if spec.ids is None else whole.subset(spec.ids)
