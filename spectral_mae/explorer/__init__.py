"""The explorer: a page of one file, on which a reader moves a mask and sees spectra follow.

- `bundle`: modules of JavaScript as one script.
- `page`: the page with its images inside.
- `page_images`: images as the page holds them: small, gray and compressed.

The page itself is in ``web/``: ``page.html``, ``style.css``, modules that compute (``fft``,
``spectra``, ``masks``, ``designs``, ``expectation``, ``sources``, ``scene`` and others) and modules
that draw (``maps``, ``curves``, ``main`` and others).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
