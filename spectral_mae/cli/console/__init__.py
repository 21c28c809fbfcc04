"""What commands print.

- `answer`: what a command has found: an exit code, sentences for people, and the same as data.
- `messages`: what is said beside the results, on standard error, and colours.
- `verbose`: ``--verbose``: what is logged while a command works.
"""
