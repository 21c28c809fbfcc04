"""The arguments of the commands; importing them loads nothing heavy.

The files:

- `endings`: what ends the help of each command: examples, and exit codes.
- `images`: arguments of the commands about images and masks.
- `models`: arguments of the commands about linear models.
- `networks`: arguments of the commands about trained models.
- `shared`: arguments that several commands have.
"""
