"""A machine for compiled kernels: PTX is read, and run for all threads of a CTA as arrays."""
