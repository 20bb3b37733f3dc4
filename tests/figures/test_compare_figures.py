"""The figure of two models by group: both lengths, the cosine, names as text."""

import numpy as np

from explorer.figures.compare import by_group


def test_both_lengths_and_the_cosine_of_every_group() -> None:
    norms, cosines = np.array([[1.0, 2.0], [3.0, 0.5]]), np.array([0.5, -0.25])
    figure = by_group(["0 · attention", "<b>1</b>"], norms, cosines, ("a<i>", "b"), dark=True)
    traces = {t.name: t for t in figure.data}
    assert list(traces["a&lt;i&gt;"].x) == [1.0, 3.0]
    assert list(traces["b"].x) == [2.0, 0.5]
    assert list(traces["cosine"].x) == [0.5, -0.25]
    assert figure.layout.yaxis.ticktext[1] == "&lt;b&gt;1&lt;/b&gt;"
