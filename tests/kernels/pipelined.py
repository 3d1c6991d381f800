"""Kernels that fetch a tile while they multiply another.

Numbers are of CTA 0 at the natural size, as in `tiled`.
"""

from tests.kernels.table import Kernel, Tile, copy4, load4, store, store4

PIPELINED = (
    Kernel(
        "double_buffer.cu",
        "sgemm_double_buffered",
        "A, B, C, M, N, K",
        gemm=(128, 128, 24),
        big=(4096, 4096, 4096),
        grid=("N / 128", "M / 128"),
        block=(16, 16),
        tile=Tile((128, 128, 8), (8, 8), (16, 128), (4, 4), (128, 1), (128, 1), stages=2),
        lines=(
            # Three tiles: one before the loop, two in it. Rows of A are 96 bytes apart.
            load4("next_a = CFLOAT4(gA[0", "A", 1, 16, lambda t, s: t // 2 * 24 + t % 2 * 4),
            load4(
                "next_a = CFLOAT4(gA[bk",
                "A",
                2,
                16,
                lambda t, s: t // 2 * 24 + (s + 1) * 8 + t % 2 * 4,
            ),
            load4(
                "next_b = CFLOAT4(gB[bk",
                "B",
                2,
                16,
                lambda t, s: ((s + 1) * 8 + t // 32) * 128 + t % 32 * 4,
            ),
            # Columns 0 and 4 of 16 rows.
            store(
                "s_a[next][load_ak + 0]",
                "s_a",
                2,
                2,
                lambda t, s: ((s + 1) % 2 * 8 + t % 2 * 4) * 128 + t // 2,
                ways=2,
            ),
            store4(
                "FLOAT4(s_b[next]", "s_b", 2, 4, lambda t, s: (s + 1) % 2 * 1024 + t * 4, ways=1
            ),
            # A quarter is half a row of threads: one address of s_a, 128 bytes of s_b.
            load4(
                "FLOAT4(r_a[0])",
                "s_a",
                24,
                4,
                lambda t, s: s // 8 % 2 * 1024 + s % 8 * 128 + t // 16 * 4,
                ways=1,
            ),
            load4(
                "FLOAT4(r_b[4])",
                "s_b",
                24,
                4,
                lambda t, s: s // 8 % 2 * 1024 + s % 8 * 128 + t % 16 * 4 + 64,
                ways=1,
            ),
            # 256 bytes of two rows.
            store4(
                "FLOAT4(C[OFFSET(row, col, N)])",
                "C",
                8,
                16,
                lambda t, s: (t // 16 * 4 + s % 4 + s // 4 * 64) * 128 + t % 16 * 4,
            ),
        ),
    ),
    Kernel(
        "async_double_buffer.cu",
        "gemm_async<64, 64, 16>",
        "C, A, B, M, N, K",
        gemm=(64, 64, 32),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(256,),
        tile=Tile((64, 64, 16), (4, 4), (8, 64), (4, 4), (1, 16), (64, 1), stages=2),
        lines=(
            # Two tiles. Eight rows of 64 bytes of A, side by side in As; two of 256 bytes of B.
            copy4("&As[buffer]", "A", 2, 16, lambda t, s: t // 4 * 32 + s * 16 + t % 4 * 4),
            copy4("&As[buffer]", "As", 2, 4, lambda t, s: s * 1024 + t * 4, ways=1),
            copy4("&Bs[buffer]", "B", 2, 16, lambda t, s: s * 1024 + t * 4),
            copy4("&Bs[buffer]", "Bs", 2, 4, lambda t, s: s * 1024 + t * 4, ways=1),
            # Four k at once, of four rows: a quarter has one row of threads, and one address.
            load4(
                "a[i] = As",
                "As",
                32,
                4,
                lambda t, s: s // 16 * 1024 + (t // 16 * 4 + s % 4) * 16 + s // 4 % 4 * 4,
                ways=1,
            ),
            load4("&Bs[now]", "Bs", 32, 4, lambda t, s: s * 64 + t % 16 * 4, ways=1),
            store4("= v;", "C", 4, 16, lambda t, s: (t // 16 * 4 + s) * 64 + t % 16 * 4),
        ),
    ),
    Kernel(
        "three_stages.cu",
        "gemm_multistage",
        "A, B, C, M, N, K",
        gemm=(64, 64, 64),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(256,),
        tile=Tile((64, 64, 16), (4, 4), (8, 64), (1, 4), (1, 20), (64, 1), stages=3),
        dynamic=4 * 3 * (64 * 20 + 16 * 64),
        lines=(
            # Four tiles, one after the other in three stages.
            copy4("cp_async16(as", "A", 4, 16, lambda t, s: t // 4 * 64 + s * 16 + t % 4 * 4),
            copy4("cp_async16(bs", "B", 4, 16, lambda t, s: s * 1024 + t * 4),
            # A quarter stores 16 words of two rows, which begin 20 words apart: the last four of
            # the second are 32 behind the first four of the first.
            copy4(
                "cp_async16(as",
                "smem",
                4,
                8,
                lambda t, s: s % 3 * 1280 + t // 4 * 20 + t % 4 * 4,
                ways=2,
            ),
            copy4("cp_async16(bs", "smem", 4, 4, lambda t, s: 3840 + s % 3 * 1024 + t * 4, ways=1),
            # Rows of 20 words are aligned: four k at once.
            load4(
                "a[i] = as",
                "smem",
                64,
                4,
                lambda t, s: s // 16 % 3 * 1280 + (t // 16 + s % 4 * 16) * 20 + s // 4 % 4 * 4,
                ways=1,
            ),
            load4(
                "b = *",
                "smem",
                64,
                4,
                lambda t, s: 3840 + s // 16 % 3 * 1024 + s % 16 * 64 + t % 16 * 4,
                ways=1,
            ),
            # `acc` is an array of float, so the compiler does not trust its alignment: word by
            # word, lanes 16 bytes apart.
            store(
                "= *(float4 *)acc",
                "C",
                16,
                16,
                lambda t, s: (t // 16 + s // 4 * 16) * 64 + t % 16 * 4 + s % 4,
            ),
        ),
    ),
)
