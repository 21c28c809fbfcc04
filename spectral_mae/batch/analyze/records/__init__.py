"""One image in, one record out: the pure functions behind ``spectral-mae analyze``.

- `analyzer`: `MaskingAnalyzer`, the plan at work on images of one shape.
- `plan`: `MaskingPlan`, what is done to every image.
- `record`: `MaskingAnalysis`, what patch masking does to the spectrum of one image.
"""
