"""Kernels without shared memory, in which a thread or a warp makes one element of C.

Numbers are of CTA 0 at the natural size. A warp of a block of 16x16 is two rows of sixteen.
"""

from tests.kernels.table import Kernel, Tile, load, store

CUBE = (32, 32, 32)

SIMPLE = (
    Kernel(
        "naive.cu",
        "matrixMul",
        "A, B, C, N",
        gemm=CUBE,
        big=(1024, 1024, 1024),
        grid=("cdiv(N, 16)", "cdiv(N, 16)"),
        block=(16, 16),
        tile=Tile((16, 16), (1, 1), (2, 16), (1, 1)),
        lines=(
            # k = 0 to 31: two rows of A, 128 bytes apart; 64 bytes of B, the same for both rows.
            load("sum += a[", "a", 32, 2, lambda t, s: t // 16 * 32 + s),
            load("sum += a[", "b", 32, 2, lambda t, s: s * 32 + t % 16),
            store("= sum;", "c", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "naive_rows.cu",
        "sgemm_naive",
        "M, N, K, alpha, A, B, beta, C",
        gemm=(64, 32, 16),
        big=(4096, 4096, 4096),
        grid=("cdiv(M, 32)", "cdiv(N, 32)"),
        block=(32, 32),
        tile=Tile((32, 32), (1, 1), (32, 1), (1, 1)),
        c="numbers",
        lines=(
            # The lanes have 32 rows of A and of C, each 64 or 128 bytes further: a sector each.
            # They share one column of B.
            load("float a = A[", "A", 16, 32, lambda t, s: t % 32 * 16 + s),
            load("float b = B[", "B", 16, 1, lambda t, s: s * 32 + t // 32),
            load("old = C[", "C", 1, 32, lambda t, s: t % 32 * 32 + t // 32),
            store("= alpha", "C", 1, 32, lambda t, s: t % 32 * 32 + t // 32),
        ),
    ),
    Kernel(
        "coalesced.cu",
        "sgemm_coalesced<32>",
        "M, N, K, A, B, C",
        gemm=(32, 64, 16),
        big=(4096, 4096, 4096),
        grid=("cdiv(N, 32)", "cdiv(M, 32)"),
        block=(1024,),
        tile=Tile((32, 32), (1, 1), (1, 32), (1, 1)),
        lines=(
            # A warp is a row: one value of A, 128 bytes of B and of C.
            load("a = A[", "A", 16, 1, lambda t, s: t // 32 * 16 + s),
            load("b = B[", "B", 16, 4, lambda t, s: s * 64 + t % 32),
            store("= sum;", "C", 1, 4, lambda t, s: t // 32 * 64 + t % 32),
        ),
    ),
    Kernel(
        "bf16.cu",
        "gemm_bf16",
        "A, B, C, M, N, K",
        gemm=(16, 64, 16),
        big=(4096, 4096, 4096),
        grid=("cdiv(N, 32)", "cdiv(M, 8)"),
        block=(32, 8),
        tile=Tile((8, 32), (1, 1), (1, 32), (1, 1)),
        types=("bfloat16", "bfloat16", "float"),
        lines=(
            # One value of A, 32 of B in 64 bytes.
            load("a = __", "A", 16, 1, lambda t, s: t // 32 * 16 + s, bits=16, size=2),
            load("b = __", "B", 16, 2, lambda t, s: s * 64 + t % 32, bits=16, size=2),
            store("= acc;", "C", 1, 4, lambda t, s: t // 32 * 64 + t % 32),
        ),
    ),
    Kernel(
        "int8_dp4a.cu",
        "igemm_dp4a",
        "A, B, C, M, N, K",
        gemm=CUBE,
        big=(2048, 2048, 2048),
        grid=("cdiv(N, 16)", "cdiv(M, 16)"),
        block=(16, 16),
        tile=Tile((16, 16), (1, 1), (2, 16), (1, 1)),
        types=("int8", "int8", "int"),
        layout=("row", "col", "row"),
        lines=(
            # Rows of 32 bytes: the warp has two of A and sixteen of B; eight times four bytes.
            load("a = a4", "A", 8, 2, lambda t, s: t // 16 * 32 + 4 * s, size=1),
            load("b = b4", "Bt", 8, 16, lambda t, s: t % 16 * 32 + 4 * s, size=1),
            store("= sum;", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
    Kernel(
        "warp_dot.cu",
        "matmul_warp_dot",
        "A, B, C, M, N, K",
        gemm=(8, 8, 64),
        big=(512, 512, 4096),
        grid=("cdiv(M * N, 4)",),
        block=(128,),
        tile=Tile((1, 4), (1, 1), (1, 1), (1, 1)),
        layout=("row", "col", "row"),
        lines=(
            # Warp w makes C[0][w], 32 k at a time; one lane stores it.
            load("a = A[", "A", 2, 4, lambda t, s: 32 * s + t % 32),
            load("b = BT[", "BT", 2, 4, lambda t, s: t // 32 * 64 + 32 * s + t % 32),
            store("= sum;", "C", 1, 1, lambda t, s: None if t % 32 else t // 32),
        ),
    ),
    Kernel(
        "batched.cu",
        "batchedGemm",
        "A, B, C, N, N*N",
        gemm=CUBE,
        big=(64, 64, 64),
        grid=("N / 16", "N / 16", "3"),
        block=(16, 16),
        tile=Tile((16, 16), (1, 1), (2, 16), (1, 1)),
        batch=3,
        lines=(
            # As naive.cu.
            load("x = a[", "A", 32, 2, lambda t, s: t // 16 * 32 + s),
            load("y = b[", "B", 32, 2, lambda t, s: s * 32 + t % 16),
            store("= sum;", "C", 1, 4, lambda t, s: t // 16 * 32 + t % 16),
        ),
    ),
)
