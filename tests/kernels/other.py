"""A kernel that is no matrix product."""

from tests.kernels.table import Kernel, load, store

OTHER = (
    Kernel(
        "transpose.cu",
        "transpose",
        "C, A, N, M",
        # A is M×K with K = N; the result, N×M, has as many elements as C.
        gemm=(32, 64, 64),
        big=(4096, 4096, 4096),
        grid=("N / 32", "M / 32"),
        block=(32, 8),
        product=False,
        lines=(
            # Four passes of eight rows: 128 bytes, a row of the tile.
            load("= idata[", "idata", 4, 4, lambda t, s: (t // 32 + s * 8) * 64 + t % 32),
            store("= idata[", "tile", 4, 1, lambda t, s: (t // 32 + s * 8) * 33 + t % 32, ways=1),
            # A column of it: 33 is odd, so 32 rows meet 32 banks.
            load("= tile[", "tile", 4, 1, lambda t, s: t % 32 * 33 + t // 32 + s * 8, ways=1),
            store("= tile[", "odata", 4, 4, lambda t, s: (t // 32 + s * 8) * 32 + t % 32),
        ),
    ),
)
