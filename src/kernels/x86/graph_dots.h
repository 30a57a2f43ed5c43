// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Products of two rows, eight at a time in 256-bit vectors: a product's sums fill one of them, and
// shuffles of half a long vector cost half. Included by graph.h; PAIR_UP(f) is f(0) for vectors of
// MB_LANES, else f(0), f(MB_LANES) side by side.

// Adds up eight vectors, each to one number. One of two vectors that are added is blended, the
// other shuffled: the sums of halves, then of quarters, then of neighbours, side by side.
static inline __m256 NAME(halves)(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}

static inline __m256 NAME(quarters)(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_blend_ps(a, b, 0xcc), _mm256_shuffle_ps(a, b, 0x4e));
}

static inline __m256 NAME(neighbours)(__m256 a, __m256 b) {
    return _mm256_add_ps(
        _mm256_blend_ps(a, b, 0xaa), _mm256_permute_ps(_mm256_blend_ps(b, a, 0xaa), 0xb1));
}

static inline __m256 NAME(add_up)(const __m256 *t) {
    const __m256 a = NAME(quarters)(NAME(halves)(t[0], t[4]), NAME(halves)(t[2], t[6]));
    const __m256 b = NAME(quarters)(NAME(halves)(t[1], t[5]), NAME(halves)(t[3], t[7]));
    return NAME(neighbours)(a, b);
}

static inline __m256i NAME(part_of_eight)(size_t n) {
    const int lanes = n >= MB_LANES ? MB_LANES : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The sums of a product. get: numbers k .. of what is multiplied by w.
#define DEFINE_TERMS(title, parameters, get)                                                       \
    static inline __m256 NAME(title)(parameters, const float *w, size_t width) {                   \
        __m256 t = _mm256_setzero_ps();                                                            \
        for (size_t k = 0; k < width; k += MB_LANES) {                                             \
            const __m256i part = NAME(part_of_eight)(width - k);                                   \
            const __m256 a = get, b = _mm256_maskload_ps(w + k, part);                             \
            t = k == 0 ? _mm256_mul_ps(a, b) : _mm256_fmadd_ps(a, b, t);                           \
        }                                                                                          \
        return t;                                                                                  \
    }
#define TWO_ROWS const float *p, const float *q
static inline __m256 NAME(relu_sum)(__m256 a, __m256 b) {
    return _mm256_max_ps(_mm256_setzero_ps(), _mm256_add_ps(a, b));
}
DEFINE_TERMS(relu_terms, TWO_ROWS,
    NAME(relu_sum)(_mm256_maskload_ps(p + k, part), _mm256_maskload_ps(q + k, part)))
DEFINE_TERMS(terms, const float *p, _mm256_maskload_ps(p + k, part))
#undef TWO_ROWS
#undef DEFINE_TERMS

// The same for MB_DOT numbers; relu_terms_common is defined by the file that includes.
static inline __m256 NAME(terms_common)(const float *a, const float *b) {
    const __m256 t = _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b));
    return _mm256_fmadd_ps(_mm256_loadu_ps(a + MB_LANES), _mm256_loadu_ps(b + MB_LANES), t);
}

// Eight products. TERMS(i): the sums of edge i; fewer edges than n are seldom.
#define EIGHT_EDGES(TERMS)                                                                         \
    __m256 t[MB_LANES];                                                                            \
    _Pragma("GCC unroll 8") for (size_t i = 0; i < MB_LANES; i++) {                                \
        t[i] = TERMS;                                                                              \
    }                                                                                              \
    return NAME(add_up)(t);
#define UP_TO_EIGHT_EDGES(n, TERMS)                                                                \
    __m256 t[MB_LANES];                                                                            \
    _Pragma("GCC unroll 1") for (size_t i = 0; i < MB_LANES; i++) {                                \
        t[i] = i < (n) ? TERMS : _mm256_setzero_ps();                                              \
    }                                                                                              \
    return NAME(add_up)(t);

static __m256 NAME(eight_scores)(
    const mb_graph *graph, size_t e, const float *p, const float *q, const float *w, size_t width) {
    const uint32_t *s = graph->source + e, *d = graph->destination + e;
    const size_t n = e < graph->n_edges ? graph->n_edges - e : 0;
    UP_TO_EIGHT_EDGES(n, NAME(relu_terms)(p + s[i] * width, q + d[i] * width, w, width))
}

static inline __m256 NAME(eight_common_scores)(
    const mb_graph *graph, size_t e, const float *p, const float *q, __m256 low, __m256 high) {
    const uint32_t *s = graph->source + e, *d = graph->destination + e;
    EIGHT_EDGES(
        NAME(relu_terms_common)(p + (size_t)s[i] * MB_DOT, q + (size_t)d[i] * MB_DOT, low, high))
}

static __m256 NAME(eight_products)(
    const mb_graph *graph, size_t e, const float *a, const float *b, size_t width) {
    const uint32_t *s = graph->source + e, *d = graph->destination + e;
    const size_t n = e < graph->n_edges ? graph->n_edges - e : 0;
    UP_TO_EIGHT_EDGES(n, NAME(terms)(a + d[i] * width, b + s[i] * width, width))
}

static inline __m256 NAME(eight_common_products)(
    const mb_graph *graph, size_t e, const float *a, const float *b) {
    const uint32_t *s = graph->source + e, *d = graph->destination + e;
    EIGHT_EDGES(NAME(terms_common)(a + (size_t)d[i] * MB_DOT, b + (size_t)s[i] * MB_DOT))
}

static inline __m256 NAME(eight_short_products)(
    const mb_graph *graph, size_t e, const float *a, const float *b, size_t width, __m256i part) {
    const uint32_t *s = graph->source + e, *d = graph->destination + e;
    EIGHT_EDGES(_mm256_mul_ps(
        _mm256_maskload_ps(a + d[i] * width, part), _mm256_maskload_ps(b + s[i] * width, part)))
}

static __m256 NAME(eight_dots)(size_t n, const float *rows, const float *w, size_t width) {
    UP_TO_EIGHT_EDGES(n, NAME(terms)(rows + i * width, w, width))
}
#undef EIGHT_EDGES
#undef UP_TO_EIGHT_EDGES

static void NAME(scores)(const mb_graph *graph, const float *p, const float *q, size_t width,
    const float *w, float bias, float *score) {
    const VEC shift = SET(bias);
    const size_t n = graph->n_edges;
    size_t e = 0;
    if (width == MB_DOT) {
        const __m256 low = _mm256_loadu_ps(w), high = _mm256_loadu_ps(w + MB_LANES);
#define BLOCK(i) NAME(eight_common_scores)(graph, e + (i), p, q, low, high)
        for (; e + LANES <= n; e += LANES) {
            STORE(score + e, ADD(shift, PAIR_UP(BLOCK)));
        }
#undef BLOCK
    }
#define BLOCK(i) NAME(eight_scores)(graph, e + (i), p, q, w, width)
    for (; e < n; e += LANES) {
        STORE_PART(PART_OF(n - e), score + e, ADD(shift, PAIR_UP(BLOCK)));
    }
#undef BLOCK
}

static void NAME(products)(
    const mb_graph *graph, const float *a, const float *b, size_t width, float *out) {
    const size_t n = graph->n_edges;
    size_t e = 0;
#define BLOCK(i) NAME(eight_common_products)(graph, e + (i), a, b)
    for (; e + LANES <= n && width == MB_DOT; e += LANES) {
        STORE(out + e, PAIR_UP(BLOCK));
    }
#undef BLOCK
    const __m256i part = NAME(part_of_eight)(width);
#define BLOCK(i) NAME(eight_short_products)(graph, e + (i), a, b, width, part)
    for (; e + LANES <= n && width <= MB_LANES; e += LANES) {
        STORE(out + e, PAIR_UP(BLOCK));
    }
#undef BLOCK
#define BLOCK(i) NAME(eight_products)(graph, e + (i), a, b, width)
    for (; e < n; e += LANES) {
        STORE_PART(PART_OF(n - e), out + e, PAIR_UP(BLOCK));
    }
#undef BLOCK
}

static void NAME(dots)(
    size_t n, const float *rows, size_t width, const float *w, float bias, float *out) {
#define BLOCK(i) NAME(eight_dots)(n > e + (i) ? n - e - (i) : 0, rows + (e + (i)) * width, w, width)
    for (size_t e = 0; e < n; e += LANES) {
        STORE_PART(PART_OF(n - e), out + e, ADD(SET(bias), PAIR_UP(BLOCK)));
    }
#undef BLOCK
}
