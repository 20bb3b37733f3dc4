"""transformers' classes of backbones and classifiers, and which of the latter can carry a linear head on pooled states.

The names of common ones are written out: looking them up costs seconds, for which nothing else is imported.
"""

from __future__ import annotations

from explorer.types import Base

CLASSES = {"bert": "Bert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta", "camembert": "Camembert",
           "distilbert": "DistilBert", "electra": "Electra", "deberta-v2": "DebertaV2", "gpt2": "GPT2"}
"""Model type → how its classes' names begin."""

TANH = {"bert": ("bert.pooler.dense", "classifier"), "roberta": ("classifier.dense", "classifier.out_proj"),
        "xlm-roberta": ("classifier.dense", "classifier.out_proj"),
        "camembert": ("classifier.dense", "classifier.out_proj")}
"""Model type → the first and the last layer of its class, with tanh between them."""


def carries(base: Base) -> bool:
    """Whether transformers has a class for this base's backbone that computes a linear head on its pooled states."""
    return base.pooling == "cls" and base.model_type in TANH


def class_name(model_type: str, classifier: bool) -> str:
    """The name of transformers' class for a model type: the bare backbone, or the classifier."""
    if model_type in CLASSES:
        return CLASSES[model_type] + ("ForSequenceClassification" if classifier else "Model")
    from transformers.models.auto import modeling_auto as auto

    names = auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES if classifier else auto.MODEL_MAPPING_NAMES
    name = names[model_type]
    return str(name) if isinstance(name, str) else str(name[0])
