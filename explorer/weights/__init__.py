"""Weights on disk and in memory: layouts, lazy reading, task vectors, the streamed Gram, materialised Points, saving.

Everything here works on folders and tensors; nothing knows of a database, a task or a page.
"""
