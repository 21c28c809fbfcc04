"""The parts of the solver that differ for tensors, arrays of other libraries than NumPy.

- `bottleneck`: the best map through a bottleneck.
- `inverse`: inverses of stacks of Hermitian matrices.
"""
