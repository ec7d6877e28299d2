"""Words a second that GLiNER is trained on, ours beside the reference library's.

`python -m benchmarks.training --help`

A step is all from annotated passages in memory to new weights: `nlp.update` here; there the
library's collator, the loss of its model, and what the Trainer of transformers does with it, with
the defaults of `create_training_args`. The Trainer itself, which needs accelerate, would only add
to that; but it can collate in another process meanwhile.

The same for all are the checkpoint, the passages, their order and the step that they are in, the
types, the learning rates, the optimizer, the norm of the gradients, the precision, and that there
is no dropout. So is the loss of a step, but that ours is divided by the number of positives: with
a row a passage it is compared before anything is timed, and so is the norm of its gradient.

Not the same: by default ours puts short passages together in a row; it leaves word embeddings as
they are, and the reference trains them unless it is told not to; and ours runs a fused optimizer.
"""
