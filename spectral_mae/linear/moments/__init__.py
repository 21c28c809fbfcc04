"""Second moments of images: all that a linear model sees of them.

- `accumulator`: second moments that are taken in batch by batch, merged and saved.
- `blocks`: coordinates in which the linear problems fall into blocks, and second moments in them:
  all that the solver knows of images.
- `even_bands`: bands of stationary images of one channel, in coordinates in which they are real.
- `kinds`: the kinds of second moments: dense, banded, stationary.
- `polyphase`: matrices on the pixels of a patch, seen in the Fourier basis of the whole image.
- `shrinkage`: how far second moments are shrunken, chosen by images that are held out.
- `tensors`: images of other libraries than NumPy, where they are.
"""
