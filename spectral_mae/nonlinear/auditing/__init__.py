"""Audits: what a trained model does to each frequency, beside the best linear models.

The files:

- `audit`: `audit`, from a model and images to an `AuditResult`.
- `audited_model`: the model of an audit, and the units in which it is scored.
- `border_steps`: steps of pixel values at the borders of patches.
- `estimate`: numbers with their standard errors.
- `hidden_views`: masks under which every patch is hidden once, and outputs put together from them.
- `linear_references`: the best linear models of the same images and masks.
- `result`: what an audit has found, in numbers.
- `words`: what the numbers mean, in sentences.
"""
