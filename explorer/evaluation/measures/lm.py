"""The loss of the language model on the test texts: masked or next tokens, whichever the base was made for.

Of a masked language model 15 % of each text's tokens are hidden behind the mask token, the same ones at every Point; a
decoder is asked for every next token. Labels have no part. A text in which nothing can be asked for is left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from explorer.errors import UnavailableError
from explorer.evaluation.encoder import Reduction
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.lm_heads import LanguageHead
from explorer.evaluation.texts import NO_TARGET, Batch
from explorer.types import Point, Probe, Task


def lm(evaluator: Evaluator, point: Point, task: Task, how: Probe,
       between: Callable[[], None]) -> tuple[np.ndarray, float]:
    """Mean loss over each text's asked tokens in nats a token (b,), and the share of all asked tokens predicted."""
    head = evaluator.language_head()
    if head.form == "masked" and not evaluator.reader.masks:
        raise UnavailableError(f"the tokenizer of base {evaluator.base.name!r} has no mask token; a masked language "
                               "model's loss needs one. Choose another way to measure (`--head probe`).")
    (rows,) = evaluator.rows(point, task, how, ("test",), reduction(head), between)
    asked = rows[rows[:, 2] > 0]
    if not len(asked):
        raise UnavailableError(f"no text of {task.name!r} has a token to be predicted; use longer texts or another "
                               "way to measure.")
    return asked[:, 0] / asked[:, 2], float(asked[:, 1].sum() / asked[:, 2].sum())


def reduction(head: LanguageHead) -> Reduction:
    """Of each text: summed loss, tokens predicted, tokens asked for, shape (b, 3)."""

    def reduce(hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        assert batch.targets is not None
        asked = batch.targets != NO_TARGET
        losses, right = head.losses(hidden[asked], batch.targets[asked])
        sums = hidden.new_zeros((len(hidden), 3))
        place = asked.nonzero()[:, 0]
        return sums.index_add_(0, place, torch.stack([losses, right, torch.ones_like(losses)], dim=1))

    return Reduction(f"lm-{head.form}", head.form, reduce)
