"""Kernels with square tiles in shared memory, a thread for each element of C.

Numbers are of CTA 0 at the natural size. A warp of a block of 16x16 is two rows of sixteen: it asks
for 64 bytes of two rows, and in shared memory two rows of sixteen words fill all banks once.
`x += As[ty][k] * ...`, unrolled, reads four k at once: 128 bits, of which a quarter of the warp
wants one address, so four wavefronts and no conflict.
"""

from fractions import Fraction

from tests.kernels.table import Kernel, Tile, atomic, load, load4, store

CUBE = (32, 32, 32)

SQUARE = (
    Kernel(
        "shared_32.cu",
        "matmul_tiled",
        "A, B, C, M, N, K",
        gemm=(64, 32, 64),
        big=(4096, 4096, 4096),
        grid=("N / 32", "M / 32"),
        block=(32, 32),
        tile=Tile((32, 32, 32), (1, 1), (1, 32), (1, 1), (1, 32), (32, 1)),
        lines=(
            # A warp is a row of 32: 128 bytes, all banks. Two tiles along K.
            load("= A[", "A", 2, 4, lambda t, s: t // 32 * 64 + 32 * s + t % 32),
            store("= A[", "As", 2, 1, lambda t, s: t, ways=1),
            load("= B[", "B", 2, 4, lambda t, s: (32 * s + t // 32) * 32 + t % 32),
            store("= B[", "Bs", 2, 1, lambda t, s: t, ways=1),
            # A tile: eight times four values that all lanes want, and 32 rows of Bs.
            load4("+= As", "As", 16, 4, lambda t, s: t // 32 * 32 + s % 8 * 4, ways=1),
            load("+= As", "Bs", 64, 1, lambda t, s: s % 32 * 32 + t % 32, ways=1),
            store("= value;", "C", 1, 4, lambda t, s: t // 32 * 32 + t % 32),
        ),
    ),
    Kernel(
        "padded_nt.cu",
        "gemm_nt",
        "A, B, C, M, N, K",
        gemm=CUBE,
        big=(2048, 2048, 2048),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 17), (1, 17)),
        layout=("row", "col", "row"),
        lines=(
            load("= a[", "a", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            load("= b[", "b", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            # Two rows of 17: the last word of the second is 32 behind the first word of the first.
            store("= a[", "sa", 2, 2, lambda t, s: t // 16 * 17 + t % 16, ways=2),
            store("= b[", "sb", 2, 2, lambda t, s: t // 16 * 17 + t % 16, ways=2),
            # Rows of 17 words are not aligned, so each k is a request. 17 is odd: 16 lanes down a
            # column meet 16 banks.
            load("float x = sa", "sa", 32, 1, lambda t, s: t // 16 * 17 + s % 16, ways=1),
            load("float y = sb", "sb", 32, 1, lambda t, s: t % 16 * 17 + s % 16, ways=1),
            store("= dot;", "c", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "unpadded_nt.cu",
        "matMulTransposed",
        "A, B, C, M, N, K",
        gemm=CUBE,
        big=(2048, 2048, 2048),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (1, 16)),
        layout=("row", "col", "row"),
        lines=(
            load("= A[", "A", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            load("= Bt[", "Bt", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            store("= A[", "As", 2, 1, lambda t, s: t, ways=1),
            store("= Bt[", "Bs", 2, 1, lambda t, s: t, ways=1),
            load4("+= As", "As", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            # A quarter reads four words in each of eight rows, which begin in bank 0 or 16 by
            # turns: four rows meet in each of eight banks.
            load4("Bs[x][k]", "Bs", 8, 16, lambda t, s: t % 16 * 16 + s % 4 * 4, ways=4),
            store("= acc;", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "grouped.cu",
        "matmul_grouped",
        "A, B, C, M, N, K",
        # Six rows of tiles: a group of four, and one of two.
        gemm=(96, 32, 32),
        big=(4096, 4096, 4096),
        grid=("cdiv(M, 16) * cdiv(N, 16)",),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        lines=(
            load("= A[", "A", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            load("= B[", "B", 2, 4, lambda t, s: (16 * s + t // 16) * 32 + t % 16),
            store("= A[", "As", 2, 1, lambda t, s: t, ways=1),
            store("= B[", "Bs", 2, 1, lambda t, s: t, ways=1),
            # Sixteen words, each for both rows of the warp.
            load("b = Bs", "Bs", 32, 1, lambda t, s: s % 16 * 16 + t % 16, ways=1),
            load4("+= As", "As", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            store("= acc;", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "split_k.cu",
        "splitk_kernel",
        "A, B, C, M, N, K, K/8",
        gemm=(32, 32, 128),
        big=(512, 512, 8192),
        grid=("N / 16", "M / 16", "8"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        c="zeros",
        lines=(
            # One tile for each slice.
            load("= A[", "A", 1, 4, lambda t, s: t // 16 * 128 + t % 16),
            load("= B[", "B", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
            load4("+= Asub", "Asub", 4, 4, lambda t, s: t // 16 * 16 + 4 * s, ways=1),
            load("+= Asub", "Bsub", 16, 1, lambda t, s: s * 16 + t % 16, ways=1),
            atomic("atomicAdd(", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "alpha_beta.cu",
        "gemm_full<float, 16>",
        "M, N, K, alpha, A, K, B, N, beta, C, N",
        gemm=CUBE,
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        c="numbers",
        lines=(
            load("= a[", "a", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            load("= b[", "b", 2, 4, lambda t, s: (16 * s + t // 16) * 32 + t % 16),
            load4("x = a_", "a_tile", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            load("y = b_", "b_tile", 32, 1, lambda t, s: s % 16 * 16 + t % 16, ways=1),
            load("old = c[", "c", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
            store("c[(long long)", "c", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "column_major.cu",
        "my_sgemm",
        "M, N, K, A, M, B, K, C, M",
        gemm=CUBE,
        big=(2048, 2048, 2048),
        grid=("M / 16", "N / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (16, 2), (1, 1), (16, 1), (1, 16)),
        layout=("col", "col", "col"),
        lines=(
            # As above, with columns in the place of rows: threadIdx.x goes down.
            load("= A[", "A", 2, 4, lambda t, s: (16 * s + t // 16) * 32 + t % 16),
            load("= B[", "B", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            store("= A[", "As", 2, 1, lambda t, s: t, ways=1),
            store("= B[", "Bs", 2, 1, lambda t, s: t, ways=1),
            load("a = As", "As", 32, 1, lambda t, s: s % 16 * 16 + t % 16, ways=1),
            load4("b = Bs", "Bs", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            store("= sum;", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "ragged.cu",
        "MatMulGuarded",
        "A, B, C, M, K, N",
        gemm=(20, 24, 24),
        big=(1000, 1111, 999),
        grid=("cdiv(N, 16)", "cdiv(M, 16)"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        lines=(
            # The second tile has eight columns of A, 32 bytes in each of two rows: (4 + 2) / 2.
            load(
                "= A[",
                "A",
                2,
                3,
                lambda t, s: t // 16 * 24 + 16 * s + t % 16 if 16 * s + t % 16 < 24 else None,
            ),
            # Of B it has eight rows: the last four warps ask for nothing.
            load(
                "= B[",
                "B",
                Fraction(3, 2),
                4,
                lambda t, s: (16 * s + t // 16) * 24 + t % 16 if 16 * s + t // 16 < 24 else None,
            ),
            # Whose line the stores to shared memory get, the value's or the zero's, is for the
            # compiler to choose.
            load4("CValue += As", "As", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            load("Bs[n][threadIdx.x];", "Bs", 32, 1, lambda t, s: s % 16 * 16 + t % 16, ways=1),
            store("= CValue", "C", 1, 4, lambda t, s: t // 16 * 24 + t % 16),
        ),
    ),
    Kernel(
        "matrix_struct.cu",
        "MulKernel",
        "{M, K, K, A}, {K, N, N, B}, {M, N, N, C}",
        gemm=CUBE,
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        lines=(
            load("get(Asub", "A", 2, 4, lambda t, s: t // 16 * 32 + 16 * s + t % 16),
            load("get(Bsub", "B", 2, 4, lambda t, s: (16 * s + t // 16) * 32 + t % 16),
            store("get(Asub", "As", 2, 1, lambda t, s: t, ways=1),
            store("get(Bsub", "Bs", 2, 1, lambda t, s: t, ways=1),
            load("b = Bs", "Bs", 32, 1, lambda t, s: s % 16 * 16 + t % 16, ways=1),
            load4("+= As", "As", 8, 4, lambda t, s: t // 16 * 16 + s % 4 * 4, ways=1),
            store("set(Csub", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "dgemm.cu",
        "dgemm_kernel<16>",
        "C, A, B, K, N",
        gemm=CUBE,
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        tile=Tile((16, 16, 16), (1, 1), (2, 16), (1, 1), (1, 16), (16, 1)),
        types=("double", "double", "double"),
        lines=(
            # Two rows of 128 bytes.
            load("= A[", "A", 2, 8, lambda t, s: t // 16 * 32 + 16 * s + t % 16, bits=64, size=8),
            load("= B[", "B", 2, 8, lambda t, s: (16 * s + t // 16) * 32 + t % 16, bits=64, size=8),
            # Each half of the warp fills all banks.
            store("= A[", "sA", 2, 2, lambda t, s: t, ways=1, bits=64, size=8),
            store("= B[", "sB", 2, 2, lambda t, s: t, ways=1, bits=64, size=8),
            load("b = sB", "sB", 32, 2, lambda t, s: s % 16 * 16 + t % 16, ways=1, bits=64, size=8),
            # Two k at once.
            load4("fma(sA", "sA", 16, 4, lambda t, s: t // 16 * 16 + s % 8 * 2, ways=1, size=8),
            store("= s;", "C", 1, 8, lambda t, s: t // 16 * 32 + t % 16, bits=64, size=8),
        ),
    ),
)
