"""What needs Numba: imported only when a kernel must be compiled, once on a machine."""
