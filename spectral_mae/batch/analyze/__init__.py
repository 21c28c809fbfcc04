"""What ``analyze`` makes of images: records, tables, pictures and the page.

- `mean_spectra`: mean radial spectra over images, before and under masking, for each shape and
  patch size.
- `models/`: what linear masked autoencoders make of the images of a run.
- `options`: `AnalyzeOptions`, what is done to each image.
- `outcomes`: many images: read each, analyse it, and say what became of it.
- `page`: the page of a run as HTML: what its tables say in short, and what the numbers mean.
- `parquet`: the tables as Parquet files.
- `pictures`: the pictures of a page: masking, radial spectra, leakage by octave, the grating of the
  masks.
- `records/`: one image in, one record out: the pure functions behind ``spectral-mae analyze``.
- `report`: the page of a run: pictures, tables and what the numbers mean, in one file that opens
  offline.
- `result`: what a run of ``analyze`` has found, read from its tables when it is asked for.
- `run`: `analyze_images`, from images to tables, pictures and a page.
- `run_tables`: the tables of a run, which grow chunk by chunk in the folder of its journal.
- `shape_moments`: mean power spectra of images of several shapes: stationary moments by shape.
- `summary/`: what a run says of its images together, for the top of its page.
- `tables`: outcomes as tables: images.csv, spectra.csv, spectra.npz.
- `work`: what is done to a chunk of images, wherever it is done: pure, picklable, and the same
  bits.
"""
