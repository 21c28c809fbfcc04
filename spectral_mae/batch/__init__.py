"""Runs over many images that can be interrupted and resumed.

- `analyze/`: what ``analyze`` makes of images: records, tables, pictures and the page.
- `audit/`: what ``audit`` makes of a model and images: numbers, pictures and the page.
- `chunks`: chunks of images through an executor: results in order, nothing lost, little in flight.
- `columns/`: what the columns of all tables of the commands are.
- `compare/`: what ``compare`` makes of originals and reconstructions.
- `errors`: what ends a run, and what is said of it.
- `executors`: who does the work: this process, processes of its own, or a Dask cluster.
- `journal`: what a run has done so far, on disk, so that it can go on after whatever ends it.
- `merge_tree`: partial sums merged as a tree, whose shape depends on nothing but their number.
- `models/`: ``fit``, ``sweep`` and ``plan``: linear models of many images.
- `pages/`: the pages that commands write: HTML with the pictures inside.
- `progress`: what a run says while it goes on: lines on stderr, a log file, progress.
- `run`: a run over many images: checked, worked on in chunks, journalled, resumed.
- `run_folder`: where a run writes, and what another run may have left there.
- `run_identity`: what a run is known by: its command, options and versions, and its images.
- `run_options`: how a run is carried out; nothing that its results depend on.
- `run_state`: what came of the images of a run so far: how many were done, which failed and why.
- `signals`: SIGINT and SIGTERM: an orderly end, between two steps that belong together.
- `workers/`: processes of this machine that work for a run.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
