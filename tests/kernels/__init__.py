"""CUDA kernels in the styles that people write, and what is right about each: see `known`."""
