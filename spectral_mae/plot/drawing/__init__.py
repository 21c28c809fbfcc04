"""What several pictures share.

- `figures`: figures and axes, and colour bars and pixels on them.
- `files`: figures and pixels in files.
- `frequency_axes`: axes of frequency and of power, with ticks, units and labels.
- `style`: colours, sizes of letters and lines, and the uses that change them.
"""
