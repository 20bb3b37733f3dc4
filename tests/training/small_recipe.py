"""A recipe of two bases and six models that takes seconds."""

RECIPE = """
name: small
corpus: [films, news]
teacher: {package: none, version: '0', file: none.whl, sha256: 0123456789abcdef, bytes: 0, folder: m, licence: none}
architecture: {vocabulary: 160, layers: 1, width: 16, heads: 2, feed_forward: 32, positions: 24}
bases:
  - {name: M, objective: masked-language, seed: 1, epochs: 2, lr: 5.0e-3, length: 24, batch: 32}
  - {name: S, objective: distillation, seed: 2, epochs: 2, lr: 5.0e-3, length: 24, batch: 32}
models:
  - {base: M, datasets: [films, news], seeds: [0, 1], steps: 12, lr: 5.0e-3, length: 24}
  - {base: S, datasets: [films], seeds: [0], train_sizes: [20, 40], steps: 6, lr: 5.0e-3, length: 24}
"""
