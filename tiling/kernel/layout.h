// Where things lie: who computes what, and the words of shared memory. To be read beside
// tiling/layout.py.

constexpr Index THREADS = (BM / TM) * (BN / TN);
constexpr Index LANES = (WM / TM) * (WN / TN);  // threads that share a warp tile

// The i-th row or column of a thread at this position of the CTA tile: positions go warp tile by
// warp tile, and their elements come in groups of QUAD neighbours, spread over the warp tile.
template <Index WARP, Index TILE, Index QUAD>
__device__ inline constexpr Index place(Index position, Index i) {
    constexpr Index PER_WARP = WARP / TILE, APART = WARP / (TILE / QUAD);
    return position / PER_WARP * WARP + position % PER_WARP * QUAD + i / QUAD * APART + i % QUAD;
}

#if !DIRECT
constexpr Index A_STRIDE = BM + PAD;           // words from one k of As to the next
constexpr Index STAGE = BK * (A_STRIDE + BN);  // words of one stage

// The shared word of As[k][row] and of Bs[k][col]. As lies transposed, so that both fragments are
// neighbouring words.
__device__ inline constexpr Index a_word(Index k, Index row) {
#if TWIST  // rows change places among the 32 banks from k to k
    return k * A_STRIDE + (row ^ k / A_VECTOR * TWIST % 32);
#else
    return k * A_STRIDE + row;
#endif
}
__device__ inline constexpr Index b_word(Index k, Index col) {
    return BK * A_STRIDE + k * BN + col;
}
#endif
