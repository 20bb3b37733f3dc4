"""Merges of fine-tuned models: task vectors of one parameter → one. One file, one method; the folder is the registry.

A method is `name(tensors, weights, context, *, options…) -> Tensor`: for one parameter, the task vectors of n models
(float32, each of the parameter's shape; they are the method's own and may be overwritten), their n weights, and what
else may be needed (`Context`). Method and option names are those of mergekit's configurations, but for the underscore
of `lambda_`; how many models a method takes, whether weights mean anything to it, and what its options may be stand in
its annotations (`_contract.py`). Which models are merged, with which options in which layer, is a `Recipe`
(`_recipe.py`), whose canonical JSON names the merge wherever a Point has a term. Nothing here reads a file.
"""
