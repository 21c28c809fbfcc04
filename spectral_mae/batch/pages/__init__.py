"""The pages that commands write: HTML with the pictures inside, which opens offline.

- `drawer`: pictures drawn by a process of its own, while this one does other work.
- `page`: a page from a template, with the style of all pages.
- `picture`: one picture of a page.
"""
