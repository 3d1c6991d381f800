"""Kernels in which a thread makes several elements of C.

Numbers are of CTA 0 at the natural size. Of a request of 128 bits a quarter of the warp is served
at once: where its eight lanes want one address, or 128 bytes side by side, it takes one wavefront,
and the request four.
"""

from tests.kernels.table import Kernel, Tile, load, load4, store, store4

TILED = (
    Kernel(
        "tile_1d.cu",
        "sgemm_1d_tile<64, 64, 8, 8>",
        "M, N, K, A, B, C",
        gemm=(64, 64, 16),
        big=(4096, 4096, 4096),
        grid=("cdiv(N, 64)", "cdiv(M, 64)"),
        block=(512,),
        tile=Tile((64, 64, 8), (8, 1), (8, 32), (8, 1), (1, 8), (64, 1)),
        lines=(
            # Four rows of 32 bytes; 32 neighbours in a row of 64. Two tiles along K.
            load("= A[", "A", 2, 4, lambda t, s: t // 8 * 16 + 8 * s + t % 8),
            store("= A[", "As", 2, 1, lambda t, s: t, ways=1),
            load("= B[", "B", 2, 4, lambda t, s: (8 * s + t // 64) * 64 + t % 64),
            store("= B[", "Bs", 2, 1, lambda t, s: t, ways=1),
            load("b = Bs", "Bs", 16, 1, lambda t, s: s % 8 * 64 + t % 64, ways=1),
            # PTX reads 8 rows for each k, and has a loop over k; the machine code unrolls it and
            # reads four k at once: 8 rows, twice, a tile. All lanes want the same.
            load4(
                "+= As",
                "As",
                32,
                4,
                lambda t, s: (t // 64 * 8 + s // 2 % 8) * 8 + s % 2 * 4,
                ways=1,
                unclear=True,
            ),
            store("= results", "C", 8, 4, lambda t, s: (t // 64 * 8 + s) * 64 + t % 64),
        ),
    ),
    Kernel(
        "tile_2d.cu",
        "gemm_2d_tile<128, 128, 8, 8, 8>",
        "A, B, C, M, N, K",
        gemm=(128, 128, 16),
        big=(4096, 4096, 4096),
        grid=("N / 128", "M / 128"),
        block=(256,),
        tile=Tile((128, 128, 8), (8, 8), (16, 128), (8, 8), (1, 8), (128, 1)),
        lines=(
            # A tile in four passes of 32 rows: a warp has four rows of 32 bytes.
            load("= A[", "A", 8, 4, lambda t, s: (t // 8 + s % 4 * 32) * 16 + s // 4 * 8 + t % 8),
            store("= A[", "As", 8, 1, lambda t, s: t + s % 4 * 256, ways=1),
            # In four passes of two rows of 128.
            load("= B[", "B", 8, 4, lambda t, s: (s * 2 + t // 128) * 128 + t % 128),
            store("= B[", "Bs", 8, 1, lambda t, s: t + s % 4 * 256, ways=1),
            # PTX has a loop over k, with eight rows for each k. The machine code unrolls it, reads
            # k = 0 alone (the two rows of threads of a warp are 64 words apart, in one bank), and
            # then all again, four k at once (a quarter has one row of threads).
            load(
                "a[i] = As",
                "As",
                16,
                2,
                lambda t, s: (t // 16 * 8 + s % 8) * 8,
                ways=2,
                unclear=True,
            ),
            load4(
                "a[i] = As",
                "As",
                32,
                4,
                lambda t, s: (t // 16 * 8 + s // 2 % 8) * 8 + s % 2 * 4,
                ways=1,
                unclear=True,
            ),
            # Two requests for each k. The eight lanes of a quarter are 8 words apart: lanes l and
            # l + 4 meet in one bank.
            load4(
                "b[j] = Bs",
                "Bs",
                32,
                8,
                lambda t, s: s // 2 % 8 * 128 + t % 16 * 8 + s % 2 * 4,
                ways=2,
            ),
            # Word by word, lanes 32 bytes apart: a sector for each, 64 times.
            store(
                "= acc[",
                "C",
                64,
                32,
                lambda t, s: (t // 16 * 8 + s // 8) * 128 + t % 16 * 8 + s % 8,
            ),
        ),
    ),
    Kernel(
        "tile_2d_transposed.cu",
        "sgemm_at",
        "A, B, C, M, N, K",
        gemm=(64, 64, 16),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(256,),
        tile=Tile((64, 64, 8), (4, 4), (8, 64), (4, 4), (64, 1), (64, 1)),
        lines=(
            # A tile in two passes: four rows of 32 bytes; 32 neighbours of B.
            load("= A[", "A", 4, 4, lambda t, s: (t // 8 + s % 2 * 32) * 16 + s // 2 * 8 + t % 8),
            load("= B[", "B", 4, 4, lambda t, s: (s * 4 + t // 64) * 64 + t % 64),
            # Eight rows of As, 64 words apart: eight words in each of four banks.
            store("= A[", "As", 4, 8, lambda t, s: t % 8 * 64 + t // 8 + s % 2 * 32, ways=8),
            store("= B[", "Bs", 4, 1, lambda t, s: t + s % 2 * 256, ways=1),
            # A quarter is half a row of threads: one address of As, 128 bytes of Bs.
            load4("a[i] = As", "As", 16, 4, lambda t, s: s % 8 * 64 + t // 16 * 4, ways=1),
            load4("b[j] = Bs", "Bs", 16, 4, lambda t, s: s % 8 * 64 + t % 16 * 4, ways=1),
            # Word by word: lanes 16 bytes apart, two to a sector.
            store(
                "= sum[", "C", 16, 16, lambda t, s: (t // 16 * 4 + s // 4) * 64 + t % 16 * 4 + s % 4
            ),
        ),
    ),
    Kernel(
        "float4.cu",
        "sgemm_vectorized<128, 128, 8, 8, 8>",
        "M, N, K, alpha, A, B, beta, C",
        gemm=(128, 128, 16),
        big=(4096, 4096, 4096),
        grid=("N / 128", "M / 128"),
        block=(256,),
        tile=Tile((128, 128, 8), (8, 8), (16, 128), (8, 8), (128, 1), (128, 1)),
        c="numbers",
        lines=(
            # Two lanes have the 32 bytes of a row of A: 16 rows. A row of B is 512 bytes.
            load4("t = FETCH", "A", 2, 16, lambda t, s: t // 2 * 16 + s * 8 + t % 2 * 4),
            load4("FETCH_FLOAT4(B[", "B", 2, 16, lambda t, s: (s * 8 + t // 32) * 128 + t % 32 * 4),
            # Columns 0 and 4 of 16 rows; a row of As is 128 words: two words in each of 16 banks.
            store("= t.x", "As", 2, 2, lambda t, s: t % 2 * 4 * 128 + t // 2, ways=2),
            store("= t.w", "As", 2, 2, lambda t, s: (t % 2 * 4 + 3) * 128 + t // 2, ways=2),
            store4("FETCH_FLOAT4(B[", "Bs", 2, 4, lambda t, s: t * 4, ways=1),
            load4(
                "= As[",
                "As",
                32,
                4,
                lambda t, s: s // 2 % 8 * 128 + t // 16 * 8 + s % 2 * 4,
                ways=1,
            ),
            # As in tile_2d.cu.
            load4(
                "= Bs[", "Bs", 32, 8, lambda t, s: s // 2 % 8 * 128 + t % 16 * 8 + s % 2 * 4, ways=2
            ),
            # 16 bytes of every 32: a sector for each lane.
            load4(
                "old = FETCH",
                "C",
                16,
                32,
                lambda t, s: (t // 16 * 8 + s // 2) * 128 + t % 16 * 8 + s % 2 * 4,
            ),
            store4(
                "= old;",
                "C",
                16,
                32,
                lambda t, s: (t // 16 * 8 + s // 2) * 128 + t % 16 * 8 + s % 2 * 4,
            ),
        ),
    ),
    Kernel(
        "split_columns.cu",
        "gemm::split",
        "A, B, C, M, N, K",
        gemm=(64, 64, 16),
        big=(4096, 4096, 4096),
        grid=("N / 64", "M / 64"),
        block=(64,),
        tile=Tile((64, 64, 8), (8, 8), (32, 64), (4, 4), (68, 1), (64, 1)),
        lines=(
            # Two halves a tile: 16 rows of 32 bytes of A; two of 256 bytes of B, of which the
            # compiler counts the load to the line of the store.
            load4(
                "load4(A",
                "A",
                4,
                16,
                lambda t, s: (t // 2 + s % 2 * 32) * 16 + s // 2 * 8 + t % 2 * 4,
            ),
            load4("store4(&Bs", "B", 4, 16, lambda t, s: (s * 4 + t // 16) * 64 + t % 16 * 4),
            # Rows of 68: four of them are 16 banks further, so the two columns do not meet.
            store("= v.x", "As", 4, 1, lambda t, s: t % 2 * 4 * 68 + t // 2 + s % 2 * 32, ways=1),
            store4("store4(&Bs", "Bs", 4, 4, lambda t, s: t * 4 + s % 2 * 256, ways=1),
            # A quarter is a row of threads: one address of As, 128 bytes of Bs.
            load4("a1 = load4", "As", 16, 4, lambda t, s: s % 8 * 68 + t // 8 * 4 + 32, ways=1),
            load4("b1 = load4", "Bs", 16, 4, lambda t, s: s % 8 * 64 + t % 8 * 4 + 32, ways=1),
            # 128 bytes of four rows.
            store4(
                "store4(row + tx * 4, ",
                "C",
                8,
                16,
                lambda t, s: (t // 8 * 4 + s % 4 + s // 4 * 32) * 64 + t % 8 * 4,
            ),
        ),
    ),
    Kernel(
        "warp_tile.cu",
        "sgemm_warp_tile<128, 128, 8, 64, 64, 4, 4, 4, 128>",
        "M, N, K, A, B, C",
        gemm=(128, 128, 16),
        big=(4096, 4096, 4096),
        grid=("cdiv(N, 128)", "cdiv(M, 128)"),
        block=(128,),
        tile=Tile((128, 128, 8), (8, 16), (64, 64), (4, 4), (128, 1), (128, 1)),
        lines=(
            # Two passes of 64 rows; four of four rows of 512 bytes in two tiles.
            load4(
                "const float4 *>(&A[",
                "A",
                4,
                16,
                lambda t, s: (t // 2 + s % 2 * 64) * 16 + s // 2 * 8 + t % 2 * 4,
            ),
            load4(
                "const float4 *>(&B[", "B", 4, 16, lambda t, s: (s * 4 + t // 32) * 128 + t % 32 * 4
            ),
            store("= t.x", "As", 4, 2, lambda t, s: t % 2 * 4 * 128 + t // 2 + s % 2 * 64, ways=2),
            store4("const float4 *>(&B[", "Bs", 4, 4, lambda t, s: t * 4 + s % 2 * 512, ways=1),
            # Warps are two by two of 64x64. Two sub-tiles of 32 rows, eight rows of lanes with four
            # each: a quarter has two of them, 32 bytes side by side.
            load4(
                "As[k * BM + warp_row",
                "As",
                32,
                4,
                lambda t, s: s // 2 % 8 * 128 + t // 64 * 64 + s % 2 * 32 + t % 32 // 4 * 4,
                ways=1,
            ),
            # Four sub-tiles of 16 columns, four lanes with four each: 64 bytes.
            load4(
                "Bs[k * BN + warp_col",
                "Bs",
                64,
                4,
                lambda t, s: s // 4 % 8 * 128 + t // 32 % 2 * 64 + s % 4 * 16 + t % 4 * 4,
                ways=1,
            ),
            # 64 bytes of eight rows.
            store4(
                "= make_float4",
                "C",
                32,
                16,
                lambda t, s: (
                    (t // 64 * 64 + s // 16 * 32 + t % 32 // 4 * 4 + s // 4 % 4) * 128
                    + t // 32 % 2 * 64
                    + s % 4 * 16
                    + t % 4 * 4
                ),
            ),
        ),
    ),
    Kernel(
        "xor_swizzle.cu",
        "sgemm_xor<32, 32, 8>",
        "A, B, C, M, N, K",
        gemm=(32, 32, 16),
        big=(1024, 1024, 1024),
        grid=("N / 32", "M / 32"),
        block=(256,),
        tile=Tile((32, 32, 8), (1, 4), (32, 4), (1, 4), (32, 1), (32, 1), xor=("k", "")),
        lines=(
            load("= A[", "A", 2, 4, lambda t, s: t // 8 * 16 + s * 8 + t % 8),
            load("= B[", "B", 2, 4, lambda t, s: (s * 8 + t // 32) * 32 + t % 32),
            # Eight rows of As, each turned by four banks more; without the swizzle 8 ways.
            store("= A[", "As", 2, 1, lambda t, s: t % 8 * 32 + (t // 8 ^ t % 8 * 4), ways=1),
            store("= B[", "Bs", 2, 1, lambda t, s: t, ways=1),
            # A row, in another order.
            load("a = As", "As", 16, 1, lambda t, s: s % 8 * 32 + (t % 32 ^ s % 8 * 4), ways=1),
            load4("a * Bs", "Bs", 16, 4, lambda t, s: s % 8 * 32 + t // 32 * 4, ways=1),
            # A column of C, four times.
            store("= c[j]", "C", 4, 32, lambda t, s: t % 32 * 32 + t // 32 * 4 + s),
        ),
    ),
    Kernel(
        "registers_only.cu",
        "sgemm_registers",
        "A, B, C, M, N, K",
        gemm=(64, 64, 8),
        big=(1024, 1024, 1024),
        grid=("cdiv(N, 64)", "cdiv(M, 64)"),
        block=(16, 16),
        tile=Tile((64, 64), (4, 4), (8, 64), (4, 4)),
        lines=(
            # Four rows for each k: two rows of threads, so two addresses. 16 times 16 bytes of B.
            load("a[i] = A[", "A", 32, 2, lambda t, s: (t // 16 * 4 + s % 4) * 8 + s // 4),
            load4("b = *", "B", 8, 8, lambda t, s: s * 64 + t % 16 * 4),
            # 256 bytes of two rows.
            store4("float4*>(C", "C", 4, 16, lambda t, s: (t // 16 * 4 + s) * 64 + t % 16 * 4),
        ),
    ),
)
