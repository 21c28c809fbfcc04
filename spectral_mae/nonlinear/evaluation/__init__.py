"""What trained models do: Jacobians, responses, probes, similarity of layers.

The files:

- `classifier`: classifiers on an encoder: fine-tuned, or trained from a random start.
- `jacobian`: Jacobians of any model: receptive fields of output pixels, matrices, singular values.
- `layer_similarity`: centred kernel alignment (CKA), the similarity of layers on a set of images.
- `maps`: models as functions of arrays, in the form that the analyses take.
- `measured_response`: the frequency response of any model, measured on images and drawn masks.
- `probe`: linear probes: how well a linear classifier predicts classes from features.
- `response_sums`: sums over images from which responses and their errors follow.
- `token_spectra`: power spectra of tokens over the grid of patches, layer by layer.
"""
