"""The commands about neural networks, which need PyTorch.

- `audit`: ``spectral-mae audit``: what a trained model does to each frequency.
- `train`: ``spectral-mae train-mae``: a masked autoencoder from arguments to files.
"""
