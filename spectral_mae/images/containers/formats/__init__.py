"""Files of several images: one file for each format, with the library that reads it.

- `fits`: FITS of astronomy, by Astropy.
- `hdf5`: HDF5, by h5py.
- `mrc`: MRC of electron microscopy, by mrcfile.
- `netcdf`: netCDF of the Earth sciences, by netCDF4.
- `nifti`: NIfTI of medical imaging, by NiBabel.
- `parquet`: columns of encoded images, by PyArrow.
- `safetensors`: tensors by name, by safetensors.
- `tiff_pages`: pages of TIFF files, by tifffile and `spectral_mae.images.tiff`.
- `torch`: tensors of ``torch.save``, by PyTorch.
- `video`: frames of videos, by PyAV.
- `zarr`: Zarr stores, by Zarr.
"""
