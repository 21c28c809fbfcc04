"""The paper's lemmas as functions that compute both sides of each statement.

Each function takes images, a patch size and a mask ratio. It computes the formula of a lemma and
the mean over masks that the formula is about: over *all* masks where there are at most
`MOST_MASKS`, and always over drawn masks, with the standard error.

=====================  ==========================================================================
`lemma_1`              the expected loss of a linear map
`equation_13`          its gradient with respect to the encoder
`equation_14`          the best encoder of a given decoder
`lemma_2`, `lemma_3`   the critical points of the decoder, and which of them is the best
`theorem_1`            the best map through a bottleneck, and its loss
`lemma_4`, `lemma_5`   a nonlinear model, linearised at zero and at the mean masked input
`lemma_6`              the loss as misfit of the mean plus spread, in function space
=====================  ==========================================================================

Images are used as they are, without centring. Losses are sums over pixels and channels and means
over images. Matrices are in the row-major pixel order of a flattened image, channels last, and act
on rows, x̂ = x̃W.

The files:

- `function_space`: Lemma 6, and appendix B: the loss of functions sampled ever more finely.
- `jacobians`: nonlinear maps of images, and their Jacobians.
- `linear_maps`: Lemma 1, Eqs. 13 and 14, and Theorem 1: linear maps of masked images.
- `sides`: the result with both sides of a lemma, and the means over all masks and drawn masks.
- `subspaces`: Lemmas 2 and 3: critical subspaces of a decoder, and the best of them.
- `taylor`: Lemmas 4 and 5: a nonlinear model under masks, linearised.
- `verification`: checks of all the lemmas on random crops of a given image.
"""

from spectral_mae.theory.function_space import FunctionSpaceLoss, function_space_loss, lemma_6
from spectral_mae.theory.jacobians import TanhNetwork, complex_step_jacobian
from spectral_mae.theory.linear_maps import (
    equation_13,
    equation_14,
    explained_matrix,
    lemma_1,
    theorem_1,
)
from spectral_mae.theory.sides import MOST_MASKS, Sides
from spectral_mae.theory.subspaces import (
    CriticalPoints,
    lemma_2,
    lemma_3,
    subspace_gradient,
    subspace_value,
)
from spectral_mae.theory.taylor import (
    GapCurve,
    fisher_matrix,
    gap_by_mask_ratio,
    lemma_4,
    lemma_5,
    patch_local_trace,
)

__all__ = [
    "MOST_MASKS",
    "CriticalPoints",
    "FunctionSpaceLoss",
    "GapCurve",
    "Sides",
    "TanhNetwork",
    "complex_step_jacobian",
    "equation_13",
    "equation_14",
    "explained_matrix",
    "fisher_matrix",
    "function_space_loss",
    "gap_by_mask_ratio",
    "lemma_1",
    "lemma_2",
    "lemma_3",
    "lemma_4",
    "lemma_5",
    "lemma_6",
    "patch_local_trace",
    "subspace_gradient",
    "subspace_value",
    "theorem_1",
]
