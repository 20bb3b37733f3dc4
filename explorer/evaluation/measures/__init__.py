"""How a loss is taken at a Point, one way a file; `Probe.head` names it (its "-" is "_" here).

A measure is a function (evaluator, point, task, probe, between) → (losses, accuracy): the loss in nats of each text
measured on, float64 of shape (b,), and the share that is right. It asks the evaluator for rows of texts, which are
forwarded only where they are not known yet.
"""
