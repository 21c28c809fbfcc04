"""``spectral-mae completion``: scripts by which shells complete what is typed.

- `bash`, `fish`, `zsh`: the script of each shell.
- `command`: what the command prints.
- `words`: what can be typed, read from the parsers.
"""
