"""The ``spectral-mae`` command: one file for each of its commands.

- `analyze`: ``spectral-mae analyze``: tables, pictures and a page of many images.
- `analyze_early`: starts the process that draws for ``analyze``, and then `analyze`.
- `audit_masks`: ``spectral-mae audit-masks``: what the masks of a generator do.
- `arguments/`: the arguments of the commands; importing them loads nothing heavy.
- `compare`: ``spectral-mae compare``: reconstructions beside their originals, by frequency.
- `completion/`: ``spectral-mae completion``: scripts for shells.
- `console/`: what commands print: results, messages, JSON.
- `errors`: errors of usage: what the library refuses, in the words of the command.
- `explore`: ``spectral-mae explore``: a page on which a reader moves a mask.
- `figures`: what ``figures`` does: the figures of the documentation, from built-in images or your
  own.
- `main`: the ``spectral-mae`` command: who gets its arguments, and how it ends.
- `mask`: ``spectral-mae mask``: a random mask as a picture.
- `models/`: the commands about linear models.
- `networks/`: the commands about neural networks, which need PyTorch.
- `parser`: the parser of the command: numbers in a row, paths anywhere, and what was meant by a
  typo.
- `psd/`: ``spectral-mae psd``: power spectra of images, of sets of them, and of what masks show.
- `shared`: what the commands share: options of runs, readers, progress.
- `verify`: ``spectral-mae verify``: the paper's equations and lemmas, checked on images.
"""
