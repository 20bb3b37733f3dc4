"""The words of this field as the app uses them: one or two sentences each, and where they come from.

`said` is for the help of a control or a reading where the word stands; a page's own list is in the header's help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PAPER = "Gueta et al. 2023"


@dataclass(frozen=True)
class Term:
    """A word, what it means, and the source that it is taken from."""

    word: str
    meaning: str
    source: str
    group: str


def _terms() -> dict[str, Term]:
    found = {}
    for group, rows in _GROUPS.items():
        for key, word, meaning, source in rows:
            found[key] = Term(word, meaning, source, group)
    return found


_GROUPS: Mapping[str, Sequence[tuple[str, str, str, str]]] = {
    "Points": (
        ("task_vector", "Task vector, Δ", "What fine-tuning changed: the fine-tuned weights minus the base's, over the "
         "encoder's parameters. The classification head is left out.",
         PAPER + ", the definition of Δ; Ilharco et al. 2023"),
        ("base", "Base", "The pretrained model that fine-tuning began with. Its task vector is 0.", PAPER),
        ("point", "Point", "A place in weight space: the base plus a weighted sum of task vectors, or a merge of them. "
         "Every Point is a model that can be measured.", "this app"),
        ("norm", "Norm, ‖Δ‖", "The length of a task vector: how far fine-tuning moved the weights.", "this app"),
        ("cosine", "Cosine", "Likeness of the directions of two task vectors: 1 is the same direction, 0 none in "
         "common.", PAPER + ", section 4"),
        ("gram", "Gram matrix", "The inner products of all task vectors, per layer and kind of parameter. Maps, "
         "cosines and distances are computed from it.", "this app"),
        ("projection", "Projection", "A map in two or three dimensions. PCA keeps as much variance as it can and says "
         "how much; UMAP, t-SNE and MDS keep who is near whom, so their axes have no unit.", "this app"),
    ),
    "Losses": (
        ("generalized_loss", "Generalized loss", "The encoder is frozen, a fresh linear head is fitted on the task's "
         "train split, and the loss is that of the test split. It says what the encoder knows, whatever head it had.",
         PAPER + ", the definition of l_g"),
        ("head", "Head", "The layer that turns the encoder's output into labels. Refitted: a new linear one for every "
         "Point, as the generalized loss asks; end-to-end: those the models were trained with, mixed as they are.",
         PAPER + ", the definition of l_g"),
        ("lm_loss", "Language-model loss", "Cross-entropy a token of the base's own language model head, in nats; "
         "labels have no part in it.", "this app"),
        ("excess", "Excess", "By how much a loss must exceed that of the path's end to count as outside.", "this app"),
        ("end_to_end", "End-to-end loss", "The test loss with the heads the models were trained with, mixed as the "
         "encoders are, and nothing fitted.", "this app"),
        ("rank_correlation", "Rank correlation", "Spearman's: whether two quantities rise together, whatever the "
         "curve; 1 always, −1 one rises as the other falls, 0 no relation.", "Spearman 1904"),
        ("nats", "Nats", "The unit of a cross-entropy in natural logarithms. Guessing between two labels costs 0.693.",
         "this app"),
        ("interval", "95 % interval, ±", "Where the value would lie in 95 of 100 repetitions. What is repeated (texts, "
         "models, seeds) is said beside it; ± is half its width.", "this app"),
        ("chance", "Chance", "What the same figure is when labels are shuffled; a finding must exceed it in 95 of 100 "
         "shufflings.", "this app"),
    ),
    "Lines and surfaces": (
        ("alpha", "α", "Where on the path a Point lies: θ(α) = θ_B + α (θ_A − θ_B). 0 is the first model, "
         "1 the second.",
         PAPER + ", figures 3 and 5"),
        ("interpolation", "Interpolation", "The path between two models, α from 0 to 1.", PAPER + ", figures 3 and 10"),
        ("extrapolation", "Extrapolation", "The same line beyond its ends, to α = 32 and −31.",
         PAPER + ", figures 5 and 12"),
        ("barrier", "Barrier", "The highest loss on the line between two models minus the mean of its ends. Near 0: "
         "one can walk from one to the other without getting worse.", "Frankle et al. 2020"),
        ("basin", "Basin", "Models joined by barriers of at most a limit, directly or through others.",
         "Juneja et al. 2023"),
        ("boundary", "Boundary", "The smallest α beyond an end at which the loss passes a stated threshold.",
         "this app"),
        ("plane", "Plane", "All Points c + x·u + y·v of two directions; through three models it holds them all.",
         "Garipov et al. 2018"),
        ("filter_normalisation", "Filter normalisation", "Random directions are scaled so that each of their rows is "
         "as long as the model's row: slices of different models can then be compared.", "Li et al. 2018"),
        ("disentanglement", "Disentanglement error, ξ", "How often adding a second task vector changes what the model "
         "predicts on the first one's task, and the other way round.", "Ortiz-Jimenez et al. 2023"),
    ),
    "Regions": (
        ("in", "In", "Models that share a trait: one data set, one task, or any.", PAPER + ", section 5"),
        ("in_prime", "In′", "Points drawn inside the convex hull of In: mixtures with random weights that are not "
         "negative and sum to 1.", PAPER + ", section 5"),
        ("ex", "Ex", "Models without the trait; on the general level random directions as long as the task vectors.",
         PAPER + ", section 5"),
        ("p_b", "P_B(A ≤ B)", "How likely a model of A has a loss no higher than one of B, over all pairs. 50 %: "
         "neither is better.", PAPER + ", section 5"),
        ("region", "Region", "Where in weight space models of one kind lie: In and the convex hull that they span. A "
         "model may lie outside of all.", PAPER + ", section 5"),
        ("hull", "Convex hull", "All mixtures of models with weights that are not negative and sum to 1.",
         PAPER + ", the definition of In′"),
        ("centroid", "Centroid", "The mean of models. As a start for training it leaves out all models trained on the "
         "target.", PAPER + ", section 7"),
        ("spread", "Spread", "Root mean square distance of models from their centroid: the unit of walks out of a "
         "region.", "this app; the paper speaks of the members' spread, appendix F"),
        ("concentration", "Concentration", "Of the Dirichlet distribution of mixing weights. Small: samples lie near "
         "single models; large: near the centroid.", "this app"),
    ),
    "Clusters": (
        ("spectral", "Spectral clustering", "Groups found from the eigenvectors of the likenesses.",
         PAPER + ", section 4"),
        ("accuracy_of_clusters", "Matched accuracy", "Clusters are mapped one-to-one to groups so that most models are "
         "right; the share that is.", PAPER + ", section 4"),
        ("ari", "ARI", "Adjusted Rand index: on how many pairs of models clusters and groups agree, 0 by chance and 1 "
         "if they are equal.", "Hubert and Arabie 1985"),
        ("nmi", "NMI", "Normalised mutual information: how much clusters say about groups, from 0 to 1.",
         "Strehl and Ghosh 2002"),
        ("silhouette", "Silhouette", "How much nearer a model lies to its own group than to the next one, "
         "from −1 to 1.",
         "Rousseeuw 1987"),
        ("f1", "F1", "Harmonic mean of precision and recall of one group.", PAPER + ", section 4"),
        ("dendrogram", "Dendrogram", "The tree by which single models join into ever larger clusters; joins lie as "
         "high as what they join is apart.", "this app"),
    ),
    "Merges and starts": (
        ("merge", "Merge", "One model made of several without training: task vectors are trimmed, weighted and summed "
         "as its method says.", "this app"),
        ("soup", "Soup", "The mean of models fine-tuned on one task. A greedy soup keeps a model only where validation "
         "does not get worse.", "Wortsman et al. 2022"),
        ("retention", "Retention", "What a merge keeps of what the task's own model gained over the base: 0 % is the "
         "base, 100 % that model.", "this app"),
        ("task_arithmetic", "Task arithmetic", "Adding task vectors to learn, subtracting them to forget, and "
         "analogies C + B − A.", "Ilharco et al. 2023"),
        ("ties", "TIES", "Keeps the largest entries of each task vector, elects a sign per parameter, and averages "
         "those that agree with it.", "Yadav et al. 2023"),
        ("dare", "DARE", "Drops a random share of each task vector's entries and scales up the rest.",
         "Yu et al. 2024"),
        ("slerp", "SLERP", "Walks along the arc between two task vectors instead of the straight line.",
         "Shoemake 1985"),
        ("bitfit", "BitFit", "Fine-tuning of bias terms and the head alone.",
         "Ben Zaken et al. 2022; " + PAPER + ", section 7"),
        ("surrogate", "Predicted loss", "A Gaussian process over weight space, fitted on all scores of the task so "
         "far. It predicts with an interval, and measured values always stand for themselves.", "this app"),
    ),
}
TERMS = _terms()
PAGES: Mapping[str, Sequence[str]] = {
    "map": ("task_vector", "base", "norm", "cosine", "projection"),
    "path": ("alpha", "generalized_loss", "barrier", "extrapolation", "boundary", "excess", "head", "end_to_end",
             "lm_loss", "interval"),
    "mix": ("point", "hull", "task_arithmetic", "surrogate", "centroid"),
    "merge": ("merge", "retention", "centroid", "norm", "cosine", "soup", "ties", "dare", "slerp", "task_arithmetic"),
    "clusters": ("cosine", "spectral", "accuracy_of_clusters", "ari", "nmi", "silhouette", "f1", "chance",
         "dendrogram"),
    "region": ("region", "in", "in_prime", "ex", "p_b", "hull", "centroid", "spread", "concentration",
               "generalized_loss"),
    "barriers": ("barrier", "basin", "cosine", "generalized_loss", "rank_correlation", "interval", "dendrogram"),
    "compare": ("task_vector", "norm", "cosine", "barrier", "generalized_loss", "interval"),
    "surface": ("plane", "filter_normalisation", "disentanglement", "point", "generalized_loss"),
    "claims": ("generalized_loss", "p_b", "in", "in_prime", "ex", "barrier", "chance", "bitfit"),
    "start_points": ("centroid", "bitfit", "base", "rank_correlation", "interval"),
    "catalog": ("task_vector", "base", "gram"),
}
"""The terms that a page uses, by the page's name."""


def said(*keys: str) -> str:
    """Help for where the words stand, as markdown: what they mean and where that is from."""
    return "\n\n".join(f"{TERMS[key].meaning} *({TERMS[key].source})*" if len(keys) == 1 else
                       f"**{TERMS[key].word}**: {TERMS[key].meaning} *({TERMS[key].source})*" for key in keys)


def lines(keys: Sequence[str]) -> str:
    """Terms with their meanings as markdown paragraphs."""
    return "\n\n".join(f"**{t.word}** \u2002{t.meaning}  \n:small[:gray[{t.source}]]"
                       for t in (TERMS[key] for key in keys))
