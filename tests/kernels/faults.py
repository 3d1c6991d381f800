"""Kernels that do what they must not, and what must be found in each. The comment at the beginning
of a file says what is wrong with it."""

from tests.kernels.table import Finding, Kernel

ABC = "A, B, C, M, N, K"

BROKEN = (
    Kernel(
        "broken/no_barrier_after_loads.cu",
        "matMulTiled",
        ABC,
        gemm=(32, 32, 64),
        big=(1024, 1024, 1024),
        grid=("N / 32", "M / 32"),
        block=(32, 32),
        findings=(Finding("race", (32, 32, 64), "acc += As", "As", other="= A["),),
    ),
    Kernel(
        "broken/no_barrier_after_use.cu",
        "gemm_tiled<16>",
        ABC,
        # With one tile there is nothing to overwrite.
        gemm=(16, 16, 16),
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(256,),
        findings=(Finding("race", (16, 16, 32), "= A[", "a_sh", other="sum += a_sh"),),
    ),
    Kernel(
        "broken/double_buffer_no_barrier.cu",
        "sgemm_prefetch",
        ABC,
        gemm=(16, 16, 16),
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        findings=(
            # The second tile is read at once; the third overwrites what the slow still read.
            Finding("race", (16, 16, 32), "acc += As", "As", other="= next_a"),
            Finding("race", (16, 16, 48), "= next_a", "As", other="acc += As"),
        ),
    ),
    Kernel(
        "broken/no_wait.cu",
        "gemm_cp_async",
        ABC,
        gemm=(32, 32, 32),
        big=(1024, 1024, 1024),
        grid=("N / 32", "M / 32"),
        block=(256,),
        findings=(
            Finding("coming", (32, 32, 32), "a = As", "As"),
            Finding("coming", (32, 32, 32), "&Bs[k][c];", "Bs"),
        ),
    ),
    Kernel(
        "broken/wait_too_late.cu",
        "gemm_wait",
        ABC,
        gemm=(16, 16, 48),
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        findings=(Finding("coming", (16, 16, 48), "acc += As", "As"),),
    ),
    Kernel(
        "broken/off_by_one.cu",
        "matrixMultiply",
        "A, B, C, M, K, N",
        # As long as the blocks divide the matrix, no thread stands at its edge.
        gemm=(32, 32, 8),
        big=(1000, 1000, 1000),
        grid=("cdiv(N, 16)", "cdiv(M, 16)"),
        block=(16, 16),
        findings=(
            Finding("outside", (20, 24, 8), "a = A[", "A"),
            Finding("outside", (20, 24, 8), "b = B[", "B"),
            Finding("outside", (20, 24, 8), "= Pvalue;", "C"),
        ),
    ),
    Kernel(
        "broken/wrong_stride.cu",
        "sgemm_stride<64, 96, 8, 8, 4>",
        ABC,
        gemm=(64, 96, 16),
        big=(1024, 960, 1024),
        grid=("N / 96", "M / 64"),
        block=(192,),
        findings=(Finding("unwritten", (64, 96, 16), "a = As", "As"),),
    ),
    Kernel(
        "broken/int_overflow.cu",
        "gemm_pitched",
        "A, 4 * K, B, 4 * N, C, 4 * N, M, N, K",
        gemm=(32, 32, 8),
        big=(32768, 32768, 64),
        grid=("cdiv(N, 32)", "cdiv(M, 8)"),
        block=(32, 8),
        findings=(
            # Rows of 2^18 bytes: row 8192 begins 2^31 bytes before C.
            Finding("outside", (8200, 65536, 4), "c[col] = sum;", "C", cta=(2047, 1024, 0)),
        ),
    ),
    Kernel(
        "broken/misaligned.cu",
        "gemm_vec4_padded",
        ABC,
        gemm=(32, 32, 32),
        big=(1024, 1024, 1024),
        grid=("N / 32", "M / 32"),
        block=(256,),
        # Rows of 132 bytes. The compiler counts the store to the line of the value.
        findings=(Finding("misaligned", (32, 32, 32), "&A[row", "As"),),
    ),
    Kernel(
        "broken/ragged_float4.cu",
        "gemv_like_gemm",
        ABC,
        gemm=(8, 8, 8),
        big=(1000, 1000, 998),
        grid=("cdiv(N, 8)", "cdiv(M, 8)"),
        block=(8, 8),
        layout=("row", "col", "row"),
        findings=(
            # Rows of 24 bytes: every second one.
            Finding("misaligned", (8, 8, 6), "float4 a =", "A"),
            Finding("misaligned", (8, 8, 6), "float4 b =", "Bt"),
        ),
    ),
    Kernel(
        "broken/beta_of_nothing.cu",
        "sgemm_beta",
        "M, N, K, alpha, A, B, beta, C",
        gemm=(32, 32, 8),
        big=(256, 256, 256),
        grid=("cdiv(N, 32)", "cdiv(M, 8)"),
        block=(32, 8),
        findings=(Finding("unwritten", (32, 32, 8), "old = C[", "C"),),
    ),
    Kernel(
        "broken/swapped_sizes.cu",
        "MatrixMulShared",
        ABC,
        gemm=(32, 32, 32),
        big=(1024, 1024, 1024),
        grid=("N / 16", "M / 16"),
        block=(16, 16),
        findings=(
            # Wide: all lies inside, and nothing is where it should be. High: C is left. Deep: B is.
            Finding("wrong", (32, 64, 32)),
            Finding("outside", (64, 32, 32), "= sum;", "C"),
            Finding("outside", (32, 32, 64), "= B[", "B"),
        ),
    ),
    Kernel(
        "broken/early_return.cu",
        "tiledMatMul",
        "A, B, C, M, K, N",
        gemm=(32, 32, 32),
        big=(1000, 1000, 992),
        grid=("cdiv(N, 16)", "cdiv(M, 16)"),
        block=(16, 16),
        findings=(
            # Columns of Mds have no thread to load them, then rows of Nds.
            Finding("unwritten", (32, 24, 32), "sum += Mds", "Mds"),
            Finding("unwritten", (24, 32, 32), "sum += Mds", "Nds"),
        ),
    ),
    Kernel(
        "broken/barrier_in_branch.cu",
        "matmul_branch<float>",
        ABC,
        gemm=(32, 32, 32),
        big=(1000, 1000, 992),
        grid=("cdiv(N, 16)", "cdiv(M, 16)"),
        block=(16, 16),
        # The first barrier of the loop, in the branch.
        findings=(Finding("barrier", (24, 20, 32), "// not all come here"),),
    ),
)
