"""What linear masked autoencoders make of the images of a run.

- `fitted`: the models of the images of a run: fitted to nothing but their mean power spectrum.
- `pictures`: the pictures of a page that show what linear masked autoencoders make of the images.
"""
