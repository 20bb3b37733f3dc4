"""Evaluation: the loss of the model at any Point on any task.

`encoder` holds the model whose parameters are views into one flat buffer, `texts` and `reading` turn a task's texts
into batches once, `rows` keeps what was computed of each text, and `evaluator` brings them together. `measures` holds
the ways to take a loss from them: a fresh linear head (`head`), the trained heads interpolated (`trained_heads`), the
language model's own (`lm_heads`). `facts` and `precision` say what the device does; `work` runs it all for a backend.
"""
