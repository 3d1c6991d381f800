"""Somebody's kernel: compiled, called with matrices, run in the machine for PTX, and told of.

To be read in this order: `compile` (a file to PTX and machine code), `source`, `scope`, `launches`
and `rows` (what its text says), `names` and `kernel` (one of its kernels), `expressions` and `call`
(how it is called, for a GEMM of any size), `recorded` (what CTAs did). How it is called is found by
`uses`, `roles`, `probe` and `find`, and `chosen` puts that together with what a person said.

The numbers of each line: `slice` (the kernel without its arithmetic), `cost`, `tally`, `lines`, and
`cures` of bank conflicts. The proof: `numbers`, `bound`, `findings`, `check`, `prove`. Which tiling
it is: `provenance`, `tiled`, `likeness`.
"""
