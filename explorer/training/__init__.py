"""Making fine-tuned models, and the small bases they start from, out of a recipe.

`recipes` reads and checks a recipe, `sweep` runs it as a resumable stream of progress; `methods/` holds one file per
answer to "which parameters train". Importing this package, or `recipes`, imports no torch. Measuring how good a model
is as a Point is the business of `explorer.evaluation`.
"""
