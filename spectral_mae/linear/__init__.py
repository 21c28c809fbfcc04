"""Linear masked, denoising and plain autoencoders in closed form.

- `bottleneck`: the real images that a bottleneck reads and writes, from the eigenvectors of its
  blocks.
- `corruption`: what happens to images before a linear model sees them, as the two moments it
  needs.
- `estimators`: the linear masked autoencoder, denoising autoencoder and autoencoder: their
  parameters, and the corruption that these stand for.
- `frequency_response`: what a linear model does to each frequency.
- `interpolator`: the best linear interpolation that may look at the mask.
- `linear_map`: a linear map that was solved block by block, applied to images and seen as images.
- `matrices/`: Hermitian matrices and their inverses, as LAPACK takes them.
- `model`: what users call of every linear model: parameters, fit, scores, reconstructions, weights.
- `model_file`: fitted linear models in npz files, without pickles.
- `moments/`: second moments of images: all that a linear model sees of them.
- `problems/`: what a linear model solves: moments and a corruption.
- `receptive_field`: receptive fields: how far the inputs of an output pixel reach.
- `reconstruction`: one image through a linear model, and what its patches' borders look like
  afterwards.
- `shrinkage_path`: the loss on other images at many shrinkages, from one factorisation.
- `solution`: what a solver of the linear models returns.
- `solver`: the closed forms of the linear models, on stacks of Hermitian matrices.
- `tensors/`: the parts of the solver that differ for arrays of other libraries than NumPy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
