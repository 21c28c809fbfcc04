"""The pages that commands write: HTML with the pictures inside, which opens offline.

- `drawer`: pictures drawn while other work is done: in a process of their own, or in a thread.
- `glossary`: words of the field, which pages and the documentation explain alike.
- `inline_svg`: figures of lines inside a page, in its letters and colours.
- `page`: a page from a template, with the style of all pages.
- `picture`: one picture of a page.
- `saving`: figures as files: lines as PNG and SVG, pixels as PNG and a smaller WebP.
"""
