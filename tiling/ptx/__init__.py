"""A machine for compiled kernels: PTX is read, and run for all threads of a CTA as arrays.

To be read in this order: `syntax` (text to instructions), `program` and `calls` (a kernel and where
its variables lie), `flow` (blocks, and batches of independent instructions), `registers`, `build`
and `steps` (batches to functions over arrays), `memory`, `copies`, `races`, `barriers`, and
`machine`, which runs a CTA and tells of it in `events`.

What instructions do is in `integers`, `arithmetic` (with `floats`, `rounding`, `fused`, `exact`,
`approximate`), `moves` (with `convert`), `accesses`, `atomics`, `copying`, `warps` and `tensor`
(with `fragments`, `matrices`, `cells`). What requests cost is in `requests`; how wide the machine
code makes them in `sass`, `asked` and `widths`.
"""
