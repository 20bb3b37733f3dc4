"""Where a Point lies, as workflow and as verb: planted regions, exact distances, flags, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from planted_workspace import LAYOUT, add_base, add_models, workspace

from explorer import workflows
from explorer.errors import InputError, UnknownNameError
from explorer.paths.hull import hull_points
from explorer.types import Point
from explorer.workflows import Workspace, places

Cli = Callable[..., tuple[int, str, str]]
SEEDS = 6


def vectors() -> np.ndarray:
    """Models of three data sets, the first two of one task, and one model alone in its data set."""
    rng = np.random.default_rng(3)
    task, data = rng.normal(size=(2, LAYOUT.size)), rng.normal(size=(3, LAYOUT.size))
    centres = [task[0] + data[0], task[0] + data[1], task[1] + data[2]]
    rows = [centre + 0.5 * rng.normal(size=LAYOUT.size) for centre in centres for _ in range(SEEDS)]
    return np.array([*rows, rng.normal(size=LAYOUT.size)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("places") / "ws"
    ws = workspace(path)
    add_base(ws, "A")
    said = [{"dataset": f"d{k}", "task": "t1" if k == 2 else "t0", "seed": s} for k in range(3) for s in range(SEEDS)]
    add_models(ws, "A", vectors(), [*said, {"dataset": "alone"}])
    ws.close()
    return path


@pytest.fixture
def planted(folder: Path) -> Iterator[Workspace]:
    ws = workspace(folder)
    yield ws
    ws.close()


def model(ws: Workspace, k: int) -> Point:
    return workflows.resolve(ws, f"A-{k}")


def test_every_model_is_told_with_confidence(planted: Workspace) -> None:
    for k in range(3 * SEEDS):
        found = places.locate(planted, model(planted, k))
        assert (found.location.predicted, found.own) == (f"d{k // SEEDS}", f"d{k // SEEDS}")
        assert found.location.confidence > 0.9
        assert f"A-{k}" not in found.hull.weights, "it is judged as if it were new"
    assert (found.accuracy, found.models) == (1.0, 3 * SEEDS)
    assert found.expected == pytest.approx(1.0, abs=0.1)
    assert found.left_out == ("alone",)
    by_task = places.locate(planted, model(planted, 0), "task")
    assert (by_task.location.predicted, by_task.unknown) == ("t0", 1)
    assert by_task.sizes == {"t0": 2 * SEEDS, "t1": SEEDS}
    assert [name for name, *_ in by_task.rows] == ["t0", "t1"]


def test_hull_samples_are_inside_and_planted_distances_come_back(planted: Workspace) -> None:
    ids = [f"id-A-{k}" for k in range(SEEDS)]
    for point in hull_points("id-A", ids, 10, seed=1):
        found = places.locate(planted, point)
        assert found.location.predicted == "d0"
        assert found.inside
        assert not found.location.outside
        assert found.hull.distance == pytest.approx(0, abs=1e-6)
        assert dict(found.location.distances)["d0"] == pytest.approx(0, abs=1e-6)
        assert "inside the hull" in places.in_words(found)
    members = [planted.catalog.checkpoint(f"A-{k}") for k in range(SEEDS)]
    middle = Point.of("id-A", dict.fromkeys(ids, 1 / SEEDS) | {"random:xavier:5": 7.25})
    beside = places.locate(planted, middle)
    assert beside.hull.distance == pytest.approx(7.25, rel=1e-9), "a random direction is at right angles to all"
    near = places.apart(planted, middle, members)
    assert near.distance == pytest.approx(7.25, rel=1e-9)
    assert not near.inside
    rows = vectors()
    two = places.apart(planted, model(planted, 2), members[:2])
    along = rows[1] - rows[0]
    share = np.clip((rows[2] - rows[0]) @ along / (along @ along), 0, 1)
    assert two.distance == pytest.approx(np.linalg.norm(rows[2] - rows[0] - share * along))
    assert two.own_distances == pytest.approx((np.linalg.norm(along),) * 2)
    middle_of = (rows[0] + rows[1]) / 2
    cosine = rows[2] @ middle_of / np.linalg.norm(rows[2]) / np.linalg.norm(middle_of)
    assert two.cosine == pytest.approx(cosine)
    assert not places.apart(planted, model(planted, 5), members).outside
    assert places.apart(planted, model(planted, 7), members).outside


def test_what_lies_too_far_or_in_another_direction_is_outside(planted: Workspace) -> None:
    far = places.locate(planted, Point.of("id-A", {"id-A-0": 6.0}))
    assert (far.location.predicted, far.location.far, far.location.astray) == ("d0", True, False)
    assert "outside of that region: none of its 6 models" in places.in_words(far)
    astray = places.locate(planted, Point.of("id-A", {"random:xavier:0": 20.0}))
    assert astray.location.astray
    assert astray.location.outside
    assert astray.location.confidence < 0.6
    assert "points less its way" in places.in_words(astray)
    still = places.locate(planted, Point.of("id-A"))
    assert still.still
    assert "lies in no direction" in places.in_words(still)


def test_what_can_not_be_located(planted: Workspace) -> None:
    point = model(planted, 0)
    for term in ("zero", "random:filter:0"):
        with pytest.raises(InputError, match="not known without reading weights"):
            places.locate(planted, Point.of("id-A", {term: 0.5}))
    with pytest.raises(UnknownNameError, match="column"):
        places.locate(planted, point, "nope")
    with pytest.raises(UnknownNameError, match="column"):
        places.locate(planted, point, "base")
    with pytest.raises(UnknownNameError, match="layer"):
        places.locate(planted, point, layers=["99"])
    with pytest.raises(InputError, match="at least 2"):
        places.apart(planted, point, [planted.catalog.checkpoint("A-0"), planted.catalog.checkpoint("A-1")])


def test_a_layer_tells_less(planted: Workspace) -> None:
    layers = planted.catalog.gram("id-A").groups
    part = places.locate(planted, model(planted, 0), layers=[layers[0].layer], kinds=[layers[0].kind])
    assert part.hull.distance < places.locate(planted, model(planted, 0)).hull.distance


def test_the_verb(cli: Cli, folder: Path) -> None:
    status, out, err = cli("locate", "A-7", "--workspace", folder, "--json")
    assert status == 0, err
    said = json.loads(out, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    assert set(said) == {"point", "by", "own", "predicted", "confidence", "outside", "far", "astray", "tail", "cosine",
                         "regions", "hull", "accuracy", "expected", "models", "left_out", "unknown"}
    assert (said["point"], said["predicted"], said["own"]) == ("A-7", "d1", "d1")
    chances = [r["probability"] for r in said["regions"]]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) == pytest.approx(1)
    assert said["hull"]["region"] == "d1"
    assert sum(said["hull"]["weights"].values()) == pytest.approx(1)
    status, out, _ = cli("locate", "A-7", "--by", "task", "--workspace", folder)
    assert status == 0
    assert "A-7 lies nearest in direction to task t0" in out
    assert "are told right" in out


@pytest.mark.parametrize(("given", "said"), [
    (("nope",), "unknown point"), (("A-0", "--by", "nope"), "unknown column"),
    (("A-0", "--kinds", "x"), "unknown kind"),
    (("A-0", "--layers", "9"), "unknown layer"), (('{"base": "A", "terms": {"zero": 1}}',), "reading weights"),
    (("A-0", "--by", "method"), "unknown column")])
def test_the_verb_refuses_in_one_line(cli: Cli, folder: Path, given: tuple[str, ...], said: str) -> None:
    status, out, err = cli("locate", *given, "--workspace", folder, "--json")
    assert (status, out) == (2, "")
    assert said in err
    assert err.strip().count("\n") == 0
