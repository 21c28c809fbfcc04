"""The pages that commands write: HTML with the pictures inside, which opens offline.

- `page`: a page from a template, with the style of all pages.
- `picture`: one picture of a page.
"""
