"""What trained models do: Jacobians, responses, probes, similarity of layers.

- `classifier`: classifiers on an encoder: fine-tuned, or trained from a random start.
- `jacobian`: jacobians of any model: receptive fields of output pixels, whole matrices, their
  spectra.
- `layer_similarity`: centred kernel alignment: how alike two layers see a set of images.
- `maps`: models as functions of arrays: what analysis asks of any model, ours or theirs.
- `measured_response`: what any model does to each frequency, measured on images and drawn masks.
- `probe`: how well classes can be read off features: a tuned linear classifier, on any features.
"""
