"""Numba kernels: arrays in, arrays out, no estimators.

Array arguments that are only read come as read-only C-contiguous arrays; arrays to be filled come
last. Kernels release the GIL, so that threads over row blocks run side by side.
"""
