"""Commands that compare settings of masks on images held out.

- `plan`: ``spectral-mae plan``: how hard patch sizes, mask ratios and designs are.
- `sweep`: ``spectral-mae sweep``: explained power over mask ratios and patch sizes.
"""
