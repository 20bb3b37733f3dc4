"""Weight-Space Explorer: fine-tuned language models as points in weight space."""

__version__ = "0.1.0"
