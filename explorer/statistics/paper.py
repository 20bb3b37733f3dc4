"""The paper's figures (Gueta et al. 2023), to stand beside ours: what was claimed, and where its sources disagree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One claim: its figure as the paper gives it, and what is doubtful about that, if anything."""

    id: str
    text: str
    figure: str
    where: str
    conflict: str = ""


CLUSTERS = {
    "dataset": Claim("C1", "models of one data set cluster", "98 % accuracy (12 data sets)", "section 4",
                     "280 models and 12 × 20 seeds do not agree: that makes 240"),
    "task": Claim("C2", "models of one task cluster", "90 % accuracy (NLI, sentiment, topic)", "section 4"),
    "domain": Claim("C3", "a domain is no region", "F1 with Twitter as a fourth group: Twitter .30, NLI 1.00, "
                    "topic .61, sentiment .71", "section 4"),
    "base": Claim("C5", "models cluster by base, not by data set, when two bases are mixed", "shown, without a figure",
                  "appendix B"),
    "train_size": Claim("C6", "models do not cluster by training size", "shown, with one exception", "appendix C"),
}
"""The claims on clustering, by the column that models are grouped by."""

RAW = Claim("C4", "Euclidean distance of raw weights does not cluster", "no clear clusters, without a figure",
            "section 4")
