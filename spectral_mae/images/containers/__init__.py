"""Images in files of many arrays, pages or frames, which are read one by one.

- `arrays`: arrays in files, and the rule by which they become images.
- `container`: what files of several images have in common.
- `contents`: references to the images that a named file is or holds.
- `formats/`: one file for each format.
- `kinds`: which files these are, by the endings of their names.
- `remote`: files that fsspec reaches: over HTTP, in object stores, in memory.
- `selector`: the part of a path behind ``::``, which chooses images.
- `single`: the only image that a path stands for.
"""
