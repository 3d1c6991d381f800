"""Somebody's kernel: compiled, called with matrices, run in the machine for PTX, and told of.

To be read in this order: `compile` (a file to PTX and machine code).
"""
