"""Linear masked, denoising and plain autoencoders in closed form.

- `bottleneck`: the real images that a bottleneck reads and writes, from the eigenvectors of its
  blocks.
- `corruption`: what happens to images before a linear model sees them, as the two moments it
  needs.
- `estimator`: scikit-learn's habits: parameters by name, and a clear word where nothing is fitted
  yet.
- `estimators`: the linear masked autoencoder, denoising autoencoder and autoencoder, fitted in
  closed form.
- `fitted_map`: what a fitted linear map is, and what there is to see of it.
- `frequency_response`: what a linear model does to each frequency.
- `interpolator`: the best linear interpolation that may look at the mask.
- `inverse`: inverses of Hermitian matrices, and pseudo-inverses where they are singular to
  rounding.
- `linear_model`: what the linear models share: fitting to moments, scores, reconstructions,
  weights.
- `model_file`: fitted linear models in npz files, without pickles.
- `moments/`: second moments of images: all that a linear model sees of them.
- `receptive_field`: receptive fields: how far the inputs of an output pixel reach.
- `reconstruction`: one image through a linear model, and what its patches' borders look like
  afterwards.
- `solution`: what a solver of the linear models returns.
- `solver`: the closed forms of the linear models, on stacks of Hermitian matrices.
"""
