"""Single Hermitian matrices and stacks of them, as LAPACK takes them.

- `inverse`: inverses, and pseudo-inverses of what is singular to rounding.
- `lapack`: Cholesky factors, triangular solves and sums of products in place, without the
  interpreter's lock.
- `subspace`: the range of a real matrix, and Hermitian matrices in its coordinates.
"""
