"""Second moments of images: all that a linear model sees of them.

- `accumulator`: what the kinds of second moments share: checking, counting, merging, saving.
- `blocks`: coordinates in which the linear problems fall into blocks, and second moments in them:
  all that the solver knows of images.
- `kinds`: second moments of images, streamed and merged: all that the linear models see of the
  data.
- `polyphase`: matrices on the pixels of a patch, seen in the Fourier basis of the whole image.
"""
