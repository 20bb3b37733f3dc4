"""Evaluation: the loss of the model at any Point on any task.

`encoder` holds the model whose parameters are views into one flat buffer, `texts` turns a task's texts into batches
once, `head` fits the fresh linear head, `evaluator` measures the generalized loss, `work` runs it for a backend.
"""
