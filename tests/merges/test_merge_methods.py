"""Every method in explorer/merges keeps the same promises; a new file there is tested without editing this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import RecipeError
from explorer.merges._contract import Context
from explorer.merges._recipe import Recipe, method
from explorer.registry import names, options

METHODS = names("explorer.merges")
SHAPES = ((7, 5), (24,), (2, 3, 4))


def count(name: str, wanted: int) -> int:
    """How many models to give a method, near to what is wanted."""
    takes = method(name).models
    return max(takes.least, min(wanted, takes.most or wanted))


def weights(name: str, n: int, even: float | None = None) -> list[float]:
    if method(name).models.even:
        return [1.0] * n
    return [even] * n if even is not None else [0.2 + 0.1 * i for i in range(n)]


def merge(name: str, tensors: Sequence[torch.Tensor], given: Sequence[float], ids: Sequence[str] = (),
          base: torch.Tensor | None = None, **options: Any) -> torch.Tensor:
    """Call a method as a merge does: with tensors of its own."""
    base = torch.ones_like(tensors[0]) if base is None else base
    context = Context("layer.0.weight", tuple(ids) or tuple(f"m{i}" for i in range(len(tensors))), base,
                      lambda key: (base.abs() + 0.1, 0.7))
    made = method(name).function([t.clone() for t in tensors], list(given), context, **options)
    assert isinstance(made, torch.Tensor)
    return made


def vectors(n: int, shape: tuple[int, ...] = (7, 5), seed: int = 0, scale: float = 0.1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(shape, generator=generator) for _ in range(n)]


def test_the_folder_holds_the_methods() -> None:
    assert {"linear", "task_arithmetic", "slerp", "ties", "dare_linear", "dare_ties", "breadcrumbs", "model_stock",
            "karcher"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_declares_what_forms_need(name: str) -> None:
    found = method(name)
    assert found.function.__doc__
    assert "http" in found.function.__doc__
    declared = {o.argument for o in found.options.values()}
    assert declared == {o.name for o in options(found.function)}
    for option in found.options.values():
        assert option.kind in (bool, int, float, str)
        assert option.kind in (bool, str) or option.allowed is not None


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_is_finite_float32_of_the_parameters_shape(name: str, shape: tuple[int, ...]) -> None:
    n = count(name, 4)
    tensors, base = vectors(n, shape), vectors(1, shape, seed=9)[0]
    before = base.clone()
    made = merge(name, tensors, weights(name, n), base=base)
    assert made.dtype is torch.float32
    assert made.shape == shape
    assert torch.isfinite(made).all()
    assert torch.equal(base, before), "the base is not the method's to change"


@pytest.mark.parametrize("name", METHODS)
def test_equal_models_merge_to_themselves(name: str) -> None:
    n = count(name, 4)
    one = vectors(1)[0]
    made = merge(name, [one] * n, weights(name, n, even=1 / n))
    assert torch.allclose(made, one, atol=1e-6)


@pytest.mark.parametrize("name", [m for m in METHODS if method(m).models.least == 1])
def test_one_model_of_weight_1_is_itself(name: str) -> None:
    one = vectors(1)[0]
    assert torch.allclose(merge(name, [one], [1.0]), one, atol=1e-7)


@pytest.mark.parametrize("name", METHODS)
def test_models_that_are_the_base_merge_to_it(name: str) -> None:
    n = count(name, 3)
    made = merge(name, [torch.zeros(4, 4)] * n, weights(name, n), base=vectors(1, (4, 4))[0])
    assert torch.allclose(made, torch.zeros(4, 4), atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_the_order_of_models_means_nothing(name: str, seed: int) -> None:
    n = count(name, 5)
    tensors, each, ids = vectors(n, seed=seed), weights(name, n), [f"m{i}" for i in range(n)]
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    more = {o.argument: 0.5 for o in method(name).options.values() if o.per_model and o.name == "density"}
    straight = merge(name, tensors, each, ids, **more)
    turned = merge(name, [tensors[i] for i in order], [each[i] for i in order], [ids[i] for i in order], **more)
    assert torch.allclose(straight, turned, atol=1e-6)  # t of slerp is a half, which has no order either


@pytest.mark.parametrize("name", METHODS)
def test_no_models_and_other_options_are_refused(name: str) -> None:
    n = count(name, 2)
    models = {f"m{i}": 1.0 for i in range(n)}
    with pytest.raises(RecipeError, match=f"{name} takes .* model"):
        Recipe.of(name, {})
    with pytest.raises(RecipeError, match=f"{name} has no option 'colour'; it has"):
        Recipe.of(name, models, {"colour": 1})
    for option in method(name).options.values():
        bad: list[Any] = ["x", None, float("nan"), [], {"other": 1}]
        if option.allowed is not None:
            bad += [v for v in (option.allowed.low - 1, option.allowed.high + 1) if abs(v) < 1e18]
        if option.kind is not float:
            bad.append(0.5)
        for value in bad:
            with pytest.raises(RecipeError, match=option.name):
                Recipe.of(name, models, {option.name: value})


@pytest.mark.parametrize("name", METHODS)
def test_weights_and_the_base_are_taken_only_where_they_mean_something(name: str) -> None:
    takes = method(name).models
    models = {f"m{i}": 0.5 for i in range(count(name, 2))}
    if takes.even:
        with pytest.raises(RecipeError, match="takes no weights"):
            Recipe.of(name, models)
    else:
        assert Recipe.of(name, models).models == models
    if not takes.whole:
        with pytest.raises(RecipeError, match="the base has none"):
            Recipe.of(name, {"base": 1.0, "m0": 1.0})
