"""What the text of a CUDA file says: signatures, launches, roles of parameters, rows of arrays."""

import pytest

from tiling.reading import names
from tiling.reading.expressions import Unclear, mentioned, value
from tiling.reading.kernel import Parameter
from tiling.reading.launches import launches
from tiling.reading.roles import OPEN, matrix_role, matrix_roles, size_role, size_roles
from tiling.reading.rows import row_length
from tiling.reading.scope import parts, told
from tiling.reading.source import signature, struct_fields
from tiling.reading.uses import Uses

pytest.importorskip("tree_sitter_cuda")

SIZES = {"M": "M", "N": "N", "K": "K"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(N + 127) / 128", 8),
        ("-7 / 2", -3),  # as C divides, towards zero
        ("-7 % 2", -1),
        ("ceil(N / 3.0)", 334),
        ("cdiv(N, 3) * min(M, 4)", 334 * 4),
        ("select(N > M, 1, 2)", 2),
        ("1 << 4 | 3", 19),
        ("lda", 7),
    ],
)
def test_arithmetic_is_that_of_c(text, found):
    assert value(text, {"M": 1000, "N": 1000, "lda": 7}) == found


@pytest.mark.parametrize(
    "text", ["", "N +", "x", "1 / 0", "N ** 9", "open('f')", "9" * 5000, "N.real", "[1]", "(" * 999]
)
def test_what_is_no_arithmetic_is_unclear(text):
    with pytest.raises(Unclear):
        value(text, {"N": 1})


def test_names_in_arithmetic_are_those_that_stand_for_something():
    assert mentioned("cdiv(N, 128) * min(M, K)") == {"M", "N", "K"}


@pytest.mark.parametrize(
    ("symbol", "name", "types"),
    [
        ("_Z5tilediiifPKfS0_fPf", "tiled", ("int",) * 3 + ("float", *["float const*"] * 2)),
        ("_Z1kILi128ELj8ELb1EEvPKfm", "k<128, 8u, true>", ("float const*", "unsigned long")),
        ("_ZN2ns1kI6__halfEEvPT_", "ns::k<__half>", ("__half*",)),
        ("gemm", "gemm", ()),
    ],
)
def test_symbols_are_told_as_people_write_them(symbol, name, types):
    assert names.called(symbol) == name
    assert names.types(symbol)[: len(types)] == types


def test_names_are_alike_however_they_are_written():
    assert names.normal("k<128u, (int)8, true>") == names.normal("k< 128,8 , true >")
    assert names.bare("ns::k<a<b>, 8>") == "k"
    assert names.arguments("k<a<b, c>, 8u>") == ("a<b,c>", "8")


FILE = """
#include <vector>
template <const int BM, int BN = 64>
__global__ void __launch_bounds__((BM * BN) / 64)
k(const half *__restrict__ A, float4 *B, unsigned n, float *C, size_t ld) {
  __shared__ float As[2][BM][BN + 4];
  __shared__ half flat[BM * 40];
  flat[threadIdx.x * 40 + 1] = A[0];
}
inline int div_up(int a, int b) { return (a + b - 1) / b; }
const int TILE = 32;
void run(int rows, int cols, float *a) {
  dim3 block(TILE, TILE / 4);
  dim3 grid(div_up(cols, block.x), (rows + TILE - 1) / TILE);
  size_t bytes = 2 * sizeof(float) * TILE;
  k<128, 64><<<grid, block, bytes>>>(a, b, rows, c, static_cast<size_t>(cols));
  grid.y = 7;
  k<64><<<grid, dim3{256}>>>(a, b, rows, c, cols);
  k<64><<<std::min(rows, 9), unknown()>>>(a, b, rows, c, cols);
}
"""


def test_a_signature_has_names_and_types():
    found = signature(FILE, "k", 5)
    assert [one.name for one in found] == ["A", "B", "n", "C", "ld"]
    assert [one.type for one in found][1:] == ["float4 *", "unsigned", "float *", "size_t"]
    assert signature(FILE, "k", 4) == () and signature("", "k", 5) == ()


def test_launches_are_arithmetic_over_what_their_names_stand_for():
    first, second, third = launches(FILE, "k")
    given = {"rows": "M", "cols": "N"}
    assert parts(first.grid, first.around, given) == [
        "((N + 32) - 1) / 32",
        "((M + 32) - 1) / 32",
    ]
    assert parts(first.block, first.around, given) == ["32", "32 / 4"]
    assert value(told(first.shared, first.around, given), {}) == 256
    assert parts(second.grid, second.around, given)[1] == "7"
    assert parts(second.block, second.around, given) == ["256"]
    assert parts(third.grid, third.around, given) == ["min(M, 9)"]
    with pytest.raises(Unclear, match="unknown is not known"):
        parts(third.block, third.around, given)


def test_rows_of_shared_arrays_are_as_declared_or_as_used():
    assert row_length(FILE, "k", "As", ("128", "64")) == (68, 4)
    assert row_length(FILE, "k", "flat", ("128", "64")) == (40, 2)
    assert row_length(FILE, "k", "none", ()) == (0, 0)


def test_fields_of_structs_are_found_by_either_name():
    text = "typedef struct mat { int width; int *p, q; float *elements; } Mat;"
    for name in "mat", "Mat":
        kinds = [(one.name, one.type) for one in struct_fields(text, name)]
        assert kinds == [("width", "int"), ("p", "int*"), ("q", "int"), ("elements", "float*")]
    assert struct_fields(text, "other") == ()


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(
            (one, "M")
            for one in ("M", "m", "m_size", "numARows", "hA", "A_rows", "height", "rowsC")
        ),
        *((one, "N") for one in ("N", "n", "wB", "B_cols", "numBColumns", "width", "cols", "dimN")),
        *((one, "K") for one in ("K", "k", "wA", "numBRows", "a_columns", "inner", "hB")),
        ("lda", "lda"),
        ("ldb", "ldb"),
        ("strideC", "ldc"),
        ("b_stride", "ldb"),
        ("pitchA", "lda"),
        ("slices", ""),
        ("stride", ""),
    ],
)
def test_sizes_are_known_by_their_names(name, role):
    assert size_role(name) == role


def test_matrices_are_known_by_their_names():
    assert [matrix_role(one) for one in ("A", "d_B", "matC", "Bt", "a_d", "data", "x")] == (
        ["A", "B", "C", "B", "A", "", ""]
    )


def pointer(name):
    return Parameter(name, "float*", 8, "f32")


def test_matrices_are_told_apart_by_what_is_written():
    uses = Uses(frozenset({0, 1, 2}), frozenset({1}), frozenset(), False)
    found = matrix_roles((pointer("x"), pointer("y"), pointer("z")), uses)
    assert found == {0: "A", 1: "C", 2: "B"}
    found = matrix_roles((pointer("b"), pointer("y"), pointer("a")), uses)
    assert found == {0: "B", 1: "C", 2: "A"}
    both = Uses(frozenset(), frozenset({0, 1}), frozenset(), False)
    assert matrix_roles((pointer("x"), pointer("y")), both) == {}


def test_sizes_that_no_name_tells_are_in_any_order():
    whole = tuple(Parameter(name, "int", 4, "") for name in ("K", "x", "y"))
    assert list(size_roles(whole)) == [{0: "K", 1: "M", 2: "N"}, {0: "K", 1: "N", 2: "M"}]
    assert next(size_roles(whole, open_first=True)) == {0: "K", 1: OPEN, 2: OPEN}
    assert list(size_roles(whole[1:2])) == [{0: "N"}]  # one size for all
