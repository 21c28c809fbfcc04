"""Single Hermitian matrices and stacks of them, as LAPACK takes them.

- `eigenvectors`: eigenvalues and eigenvectors of stacks.
- `inverse`: inverses, and pseudo-inverses of what is singular to rounding.
- `lapack`: Cholesky factors, triangular solves, eigenvectors and sums of products, without the
  interpreter's lock.
- `pencil`: one basis in which two matrices are diagonal.
- `subspace`: the range of a real matrix, and Hermitian matrices in its coordinates.
"""
