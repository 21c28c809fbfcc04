"""The arguments of the commands; importing them loads nothing heavy.

- `images`: arguments of the commands that look at images and masks.
- `models`: arguments of the commands that fit or train models, or use them.
- `shared`: arguments that commands have in common.
"""
