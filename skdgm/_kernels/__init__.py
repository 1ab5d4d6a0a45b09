"""Numba kernels: arrays in, arrays out, no estimators.

Arrays that are only read are read-only and C-contiguous; arrays to be filled come last. Kernels
release the GIL, so that threads over row blocks run side by side.
"""
