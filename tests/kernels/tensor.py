"""Kernels of halves, and of matrix instructions.

Numbers are of CTA 0 at the natural size. `ldmatrix` reads rows of 16 bytes, eight of them at once:
four wavefronts for four matrices, if their rows do not meet in a bank. What `wmma` asks for is left
to the compiler: the numbers are those of its machine code for sm_80, in which lane l holds two
neighbours of row l / 4 of each 8x8.
"""

from tests.kernels.table import Kernel, Tile, load, load4, store, store4

TENSOR = (
    Kernel(
        "half2.cu",
        "hgemm_half2",
        "A, B, C, M, N, K",
        gemm=(32, 64, 32),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 32"),
        block=(256,),
        tile=Tile((32, 64, 16), (4, 2), (4, 64), (4, 2), (1, 16), (64, 1)),
        types=("half", "half", "half"),
        lines=(
            # Four rows of 32 bytes of A; a row of 128 bytes of B, twice a tile.
            load(
                "(const half2 *)&A[",
                "A",
                2,
                4,
                lambda t, s: t // 8 * 32 + s * 16 + t % 8 * 2,
                size=2,
            ),
            store("(const half2 *)&A[", "As", 2, 1, lambda t, s: t * 2, ways=1, size=2),
            load(
                "(const half2 *)&B[",
                "B",
                4,
                4,
                lambda t, s: (s * 8 + t // 32) * 64 + t % 32 * 2,
                size=2,
            ),
            store(
                "(const half2 *)&B[",
                "Bs",
                4,
                1,
                lambda t, s: (s % 2 * 8 + t // 32) * 32 + t % 32,
                ways=1,
            ),
            load("b = Bs[k][tx]", "Bs", 32, 1, lambda t, s: s % 16 * 32 + t % 32, ways=1),
            # Four k of four rows: one address for the warp, served in two halves.
            load(
                "As[ty * 4 + i][k]",
                "As",
                32,
                2,
                lambda t, s: (t // 32 * 4 + s // 4 % 4) * 16 + s % 4 * 4,
                ways=1,
                bits=64,
                size=2,
            ),
            store("= acc[i]", "C", 4, 4, lambda t, s: (t // 32 * 4 + s) * 64 + t % 32 * 2, size=2),
        ),
    ),
    Kernel(
        "wmma_naive.cu",
        "wmma_simple",
        "A, B, C, M, N, K",
        gemm=(32, 64, 32),
        big=(4096, 4096, 4096),
        grid=("N / 32", "M / 32"),
        block=(64, 2),
        tile=Tile((32, 32), (2, 4), (16, 16), (1, 2)),
        types=("half", "half", "float"),
        lines=(
            # Two fragments along K, each four requests of 8x8: 16 bytes of eight rows.
            load(
                "(a_frag, a",
                "A",
                8,
                8,
                lambda t, s: (
                    (t // 64 * 16 + t % 32 // 4 + s % 2 * 8) * 32
                    + s // 4 * 16
                    + s // 2 % 2 * 8
                    + t % 4 * 2
                ),
                size=2,
                unclear=True,
            ),
            load(
                "(b_frag, b",
                "B",
                8,
                8,
                lambda t, s: (
                    (s // 4 * 16 + t % 32 // 4 + s % 2 * 8) * 64
                    + t // 32 % 2 * 16
                    + s // 2 % 2 * 8
                    + t % 4 * 2
                ),
                size=2,
                unclear=True,
            ),
            # 32 bytes of eight rows.
            store(
                "store_matrix_sync(c",
                "C",
                4,
                8,
                lambda t, s: (
                    (t // 64 * 16 + t % 32 // 4 + s % 2 * 8) * 64
                    + t // 32 % 2 * 16
                    + s // 2 * 8
                    + t % 4 * 2
                ),
                bits=64,
                unclear=True,
            ),
        ),
    ),
    Kernel(
        "wmma_shared.cu",
        "hgemm_wmma<64, 64, 32>",
        "A, B, C, M, N, K",
        gemm=(64, 64, 64),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(128,),
        tile=Tile((64, 64, 32), (4, 8), (32, 32), (1, 2), (1, 40), (72, 1)),
        types=("half", "half", "half"),
        lines=(
            # Two passes a tile: eight rows of 64 bytes of A, four of 128 bytes of B.
            load4(
                "const int4 *>(&gA",
                "A",
                4,
                16,
                lambda t, s: (t // 4 + s % 2 * 32) * 64 + s // 2 * 32 + t % 4 * 8,
                size=2,
            ),
            load4(
                "const int4 *>(&gB",
                "B",
                4,
                16,
                lambda t, s: (t // 8 + s * 16) * 64 + t % 8 * 8,
                size=2,
            ),
            # A quarter stores two rows of 16 words, which begin 20 words apart, as in
            # three_stages.cu; or one row of 32.
            store4(
                "const int4 *>(&gA",
                "sA",
                4,
                8,
                lambda t, s: (t // 4 + s % 2 * 32) * 40 + t % 4 * 8,
                ways=2,
                size=2,
            ),
            store4(
                "const int4 *>(&gB",
                "sB",
                4,
                4,
                lambda t, s: (t // 8 + s % 2 * 16) * 72 + t % 8 * 8,
                ways=1,
                size=2,
            ),
            # Two fragments for each of two k, two tiles: by ldmatrix. Eight rows 20 words apart
            # begin in banks 0, 20, 8, 28, 16, 4, 24, 12; rows of 36 words in 0, 4, 8 and so on.
            load4(
                "&sA[(wr",
                "sA",
                8,
                4,
                lambda t, s: (
                    (t // 64 * 32 + s % 2 * 16 + t % 16) * 40 + s // 2 % 2 * 16 + t % 32 // 16 * 8
                ),
                ways=1,
                size=2,
                unclear=True,
            ),
            load4(
                "&sB[k",
                "sB",
                8,
                4,
                lambda t, s: (
                    (s // 2 % 2 * 16 + t % 16) * 72
                    + t // 32 % 2 * 32
                    + s % 2 * 16
                    + t % 32 // 16 * 8
                ),
                ways=1,
                size=2,
                unclear=True,
            ),
            # Four fragments, each four times 16 bytes of eight rows.
            store(
                "store_matrix_sync(gC",
                "C",
                16,
                8,
                lambda t, s: (
                    (t // 64 * 32 + s // 8 * 16 + s % 2 * 8 + t % 32 // 4) * 64
                    + t // 32 % 2 * 32
                    + s // 4 % 2 * 16
                    + s // 2 % 2 * 8
                    + t % 4 * 2
                ),
                size=2,
                unclear=True,
            ),
        ),
    ),
    Kernel(
        "mma_swizzled.cu",
        "hgemm_mma",
        "A, B, C, M, N, K",
        gemm=(64, 64, 128),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(128,),
        tile=Tile((64, 64, 64), (4, 8), (32, 32), (1, 2), (1, 64), (64, 1), xor=("side", "k")),
        types=("half", "half", "float"),
        lines=(
            # Four passes of 16 rows a tile, two tiles: four rows of 128 bytes.
            load4(
                "(const uint4 *)&A",
                "A",
                8,
                16,
                lambda t, s: (t // 8 + s % 4 * 16) * 128 + s // 4 * 64 + t % 8 * 8,
                size=2,
            ),
            load4(
                "(const uint4 *)&B",
                "B",
                8,
                16,
                lambda t, s: (t // 8 + s * 16) * 64 + t % 8 * 8,
                size=2,
            ),
            # A quarter stores the eight chunks of one row, in another order.
            store4(
                "(const uint4 *)&A",
                "As",
                8,
                4,
                lambda t, s: swizzled(t // 8 + s % 4 * 16, t % 8),
                ways=1,
                size=2,
            ),
            store4(
                "(const uint4 *)&B",
                "Bs",
                8,
                4,
                lambda t, s: swizzled(t // 8 + s % 4 * 16, t % 8),
                ways=1,
                size=2,
            ),
            # Two requests for each of four k, two tiles. Chunk c of 8 rows lies in 8 places.
            load4(
                "ldmatrix_x4(a[i]",
                "As",
                16,
                4,
                lambda t, s: swizzled(
                    t // 64 * 32 + s % 2 * 16 + t % 16, s // 2 % 4 * 2 + t % 32 // 16
                ),
                ways=1,
                size=2,
            ),
            load4(
                "ldmatrix_x4_trans(b[j]",
                "Bs",
                16,
                4,
                lambda t, s: swizzled(
                    s // 2 % 4 * 16 + t % 16, t // 32 % 2 * 4 + s % 2 * 2 + t % 32 // 16
                ),
                ways=1,
                size=2,
            ),
            # 32 bytes of eight rows.
            store(
                "make_float2",
                "C",
                16,
                8,
                lambda t, s: (
                    (t // 64 * 32 + s // 8 * 16 + s % 2 * 8 + t % 32 // 4) * 64
                    + t // 32 % 2 * 32
                    + s // 2 % 4 * 8
                    + t % 4 * 2
                ),
                bits=64,
            ),
        ),
    ),
)


def swizzled(row: int, chunk: int) -> int:
    """The first half of a chunk of eight, in rows of eight chunks."""
    return row * 64 + (chunk ^ row % 8) * 8
