"""What given masks do: an audit of the output of anyone's mask generator.

- `mask_audit`: `audit_masks` and its result.
- `octave_leakage`: leakage in octaves of frequency, with standard errors over the masks.
"""
