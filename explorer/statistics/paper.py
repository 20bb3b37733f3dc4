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

REGIONS = {
    "dataset": Claim("C9", "models inside a data set's region are as good as those that span it, better than others",
                     "P_B(In ≤ Ex) 100 %, P_B(In′ ≤ Ex) 100 %, P_B(In′ ≤ In) 88 %", "section 5"),
    "task": Claim("C10", "the same holds for a task (NLI)",
                  "P_B(In ≤ Ex) 75.3 %, P_B(In′ ≤ Ex) 100 %, P_B(In′ ≤ In) 96.7 %", "section 5"),
    "general": Claim("C11", "fine-tuned models lie in one region, against random perturbations of the base",
                     "P_B(In ≤ Ex) 89.8 %, P_B(In′ ≤ Ex) 100 %, P_B(In′ ≤ In) 90 %", "section 5"),
}
"""The claims on regions, by level."""

SHARES = {"dataset": (1.0, 1.0, 0.88), "task": (0.753, 1.0, 0.967), "general": (0.898, 1.0, 0.9)}
"""The paper's P_B(In ≤ Ex), P_B(In′ ≤ Ex), P_B(In′ ≤ In), by level."""

BETWEEN = Claim("C7", "between models of one data set, of one task and of any two the loss stays low; the minimum is "
                "often strictly inside", "shown: 10 MNLI–MNLI, 25 MNLI–ESNLI, 25 MNLI–SST2 pairs", "figures 3 and 10")
BEYOND = Claim("C8", "beyond the models the loss has a flat base with steep cliffs", "shown, without a figure",
               "figures 5 and 12")
OUTWARD = Claim("C12", "random directions from the centroid leave the region once they are longer than the members' "
                "spread; walking towards the origin does not", "shown, without a figure", "appendix F",
                "which origin is not said, and why it holds is left open")

STARTS = Claim("C13", "training biases and head from the centroid of models not trained on the target is better than "
               "from the base", "65.54 against 61.51 % accuracy on 12 data sets, +4.03; 9 wins, 2 ties, 1 loss (RTE "
               "+11.19, WNLI −1.41)", "table 2", "the abstract says +3.06 on average and better on 11 of 12, section 7 "
               "says +4.04")
FEW_SHOT = Claim("C14", "the same with at most 1,000 train texts", "65.54 against 54.88 % accuracy on 12 data sets, "
                 "+10.66", "table 3", "its row of the centroid equals table 2's value for value")


@dataclass(frozen=True)
class StartTable:
    """Mean accuracies in percent from the centroid and from the base over `targets` data sets, and their difference.

    `wins`, `ties` and `losses` count data sets, None where the paper does not.
    """

    centroid: float
    base: float
    difference: float
    targets: int
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None


STARTS_TABLES = {"C13": StartTable(65.54, 61.51, 4.03, 12, 9, 2, 1), "C14": StartTable(65.54, 54.88, 10.66, 12)}
"""The paper's Tables 2 and 3 in the mean, by claim."""

LEDGER = {claim.id: claim for claim in (*CLUSTERS.values(), RAW, BETWEEN, BEYOND, *REGIONS.values(), OUTWARD,
                                  STARTS, FEW_SHOT)}
"""Every claim by id."""
