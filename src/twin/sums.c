// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/parts.h"

// Sums of products: how large they get, the arithmetic that holds them, and weights packed for it.

// What a layer's sums are made of, while they are planned.
typedef struct sums_plan {
    const twin_numbers *numbers;
    const uint32_t *index; // n_groups x n_terms
    size_t n_groups, n_terms, n_outputs;
    int64_t bound;       // of the magnitude of each partial sum, in any order
    int64_t least, most; // of the sums
    int64_t widest;      // magnitude of a weight
} sums_plan;

// One output's bound and range. False beyond 61 bits.
static bool prove_output(const sums_plan *plan, const twin_value *value, size_t output,
    int64_t *bound, int64_t *least, int64_t *most) {
    const int64_t reach = value->most > -value->least ? value->most : -value->least;
    *least = *most = plan->numbers->bias[output];
    *bound = *least < 0 ? -*least : *least;
    for (size_t t = 0; t < plan->n_terms; t++) {
        const int64_t w = plan->numbers->weights[t * plan->n_outputs + output];
        int64_t product;
        if (!mb_twin_multiply(w < 0 ? -w : w, reach, &product) ||
            !mb_twin_add(*bound, product, bound)) {
            return false;
        }
        const int64_t ends[] = {w * value->least, w * value->most};
        const int64_t low = ends[0] < ends[1] ? ends[0] : ends[1];
        const int64_t high = ends[0] < ends[1] ? ends[1] : ends[0];
        // Padding multiplies by 0 what may never be 0 elsewhere.
        *least += low < 0 ? low : 0;
        *most += high > 0 ? high : 0;
    }
    return true;
}

static mb_status prove(twin_builder *builder, sums_plan *plan) {
    for (size_t o = 0; o < plan->n_outputs; o++) {
        int64_t bound, least, most;
        if (!prove_output(plan, &builder->value, o, &bound, &least, &most)) {
            return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
                "a sum needs more than 61 bits; give input and weights fewer");
        }
        plan->bound = bound > plan->bound ? bound : plan->bound;
        plan->least = o == 0 || least < plan->least ? least : plan->least;
        plan->most = o == 0 || most > plan->most ? most : plan->most;
    }
    for (size_t i = 0; i < plan->n_terms * plan->n_outputs; i++) {
        const int64_t w = plan->numbers->weights[i];
        plan->widest = w > plan->widest ? w : -w > plan->widest ? -w : plan->widest;
    }
    return MB_OK;
}

// Whether the terms of each group are whole pairs of the input's features. Padding (index n) pairs
// with itself.
static bool has_pairs(const sums_plan *plan, size_t n) {
    if (plan->n_terms % 2 != 0 && !(plan->n_groups == 1 && plan->n_terms == n)) {
        return false;
    }
    for (size_t g = 0; g < plan->n_groups; g++) {
        const uint32_t *index = plan->index + g * plan->n_terms;
        for (size_t t = 0; t + 1 < plan->n_terms; t += 2) {
            const bool is_padding = index[t] == n && index[t + 1] == n;
            if (!is_padding && (index[t] % 2 != 0 || index[t + 1] != index[t] + 1)) {
                return false;
            }
        }
    }
    return true;
}

typedef struct arithmetic {
    const char *name;
    twin_store in, out;
    void (*run)(
        const mb_fixed_kernels *kernels, const twin_operation *operation, void *in, void *out);
    bool is_paired;
    size_t weight_size;
    void (*put)(void *to, size_t at, int64_t first, int64_t second);
    void (*put_bias)(void *to, size_t at, int64_t value);
    bool (*holds)(const sums_plan *plan, const twin_value *value);
} arithmetic;

// Rows of zeros stand behind the tile's own, for padding.
static void clear_zero_row(const twin_operation *o, void *in) {
    memset((char *)in + o->zero_row, 0, o->zero_bytes);
}

static void run_pairs(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    clear_zero_row(o, in);
    kernels->sums_pairs(&o->sums, in, out);
}

static void run_f32(const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    clear_zero_row(o, in);
    kernels->sums_f32(&o->sums, in, out);
}

static void run_i32(const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    clear_zero_row(o, in);
    kernels->sums_i32(&o->sums, in, out);
}

static void run_i64(const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    clear_zero_row(o, in);
    kernels->sums_i64(&o->sums, in, out);
}

static void put_pair(void *to, size_t at, int64_t first, int64_t second) {
    const uint32_t pair = ((uint32_t)first & 0xffffU) | (uint32_t)second << 16;
    memcpy((char *)to + at * sizeof pair, &pair, sizeof pair);
}

static void put_f32(void *to, size_t at, int64_t first, int64_t second) {
    (void)second;
    ((float *)to)[at] = (float)first;
}

static void put_i32(void *to, size_t at, int64_t first, int64_t second) {
    (void)second;
    ((int32_t *)to)[at] = (int32_t)first;
}

static void put_i64(void *to, size_t at, int64_t first, int64_t second) {
    (void)second;
    ((int64_t *)to)[at] = first;
}

static void put_bias_f32(void *to, size_t at, int64_t value) {
    put_f32(to, at, value, 0);
}

static void put_bias_i32(void *to, size_t at, int64_t value) {
    put_i32(to, at, value, 0);
}

static void put_bias_i64(void *to, size_t at, int64_t value) {
    put_i64(to, at, value, 0);
}

static bool holds_pairs(const sums_plan *plan, const twin_value *value) {
    return plan->bound <= INT32_MAX && plan->widest <= INT16_MAX && value->least >= INT16_MIN &&
           value->most <= INT16_MAX && has_pairs(plan, value->n);
}

static bool holds_f32(const sums_plan *plan, const twin_value *value) {
    const int64_t exact = INT64_C(1) << 24;
    return plan->bound <= exact && plan->widest <= exact && value->least >= -exact &&
           value->most <= exact;
}

static bool holds_i32(const sums_plan *plan, const twin_value *value) {
    return plan->bound <= INT32_MAX && plan->widest <= INT32_MAX && value->least >= INT32_MIN &&
           value->most <= INT32_MAX;
}

static bool holds_i64(const sums_plan *plan, const twin_value *value) {
    (void)plan;
    (void)value;
    return true;
}

// The first that holds is taken.
static const arithmetic arithmetics[] = {
    {"i16 pairs", STORE_PAIRS, STORE_I32, run_pairs, true, sizeof(int32_t), put_pair, put_bias_i32,
        holds_pairs},
    {"f32", STORE_F32, STORE_I32, run_f32, false, sizeof(float), put_f32, put_bias_f32, holds_f32},
    {"i32", STORE_I32, STORE_I32, run_i32, false, sizeof(int32_t), put_i32, put_bias_i32,
        holds_i32},
    {"i64", STORE_I64, STORE_I64, run_i64, false, sizeof(int64_t), put_i64, put_bias_i64,
        holds_i64},
};

// Whether no output uses a term, or, of pairs, either of two.
static bool is_unused(const sums_plan *plan, size_t term, bool is_paired) {
    const size_t end = mb_min_size(term + (is_paired ? 2 : 1), plan->n_terms);
    for (size_t i = term * plan->n_outputs; i < end * plan->n_outputs; i++) {
        if (plan->numbers->weights[i] != 0) {
            return false;
        }
    }
    return true;
}

// Terms that are used, as positions in the group's list.
static size_t list_terms(const sums_plan *plan, bool is_paired, size_t *terms) {
    size_t n = 0;
    for (size_t t = 0; t < plan->n_terms; t += is_paired ? 2 : 1) {
        if (!is_unused(plan, t, is_paired)) {
            terms[n++] = t;
        }
    }
    return n;
}

static void pack_weights(const sums_plan *plan, const arithmetic *how, const size_t *terms,
    size_t n_terms, void *weights) {
    const int64_t *from = plan->numbers->weights;
    size_t at = 0;
    for (size_t block = 0; block < plan->n_outputs; block += MB_SUM_BLOCK) {
        const size_t end = mb_min_size(block + MB_SUM_BLOCK, plan->n_outputs);
        for (size_t t = 0; t < n_terms; t++) {
            const int64_t *row = from + terms[t] * plan->n_outputs;
            const bool has_second = how->is_paired && terms[t] + 1 < plan->n_terms;
            for (size_t o = block; o < end; o++) {
                how->put(weights, at++, row[o], has_second ? row[plan->n_outputs + o] : 0);
            }
        }
    }
}

static mb_status pack(twin_builder *builder, const sums_plan *plan, const arithmetic *how,
    twin_operation *operation) {
    size_t *terms = mb_twin_allocate(builder, plan->n_terms, sizeof *terms);
    if (terms == NULL) {
        return mb_context_status(builder->ctx);
    }
    const size_t n = list_terms(plan, how->is_paired, terms);
    uint32_t *index = mb_twin_allocate(builder, plan->n_groups * n, sizeof *index);
    void *weights = mb_twin_allocate(builder, n * plan->n_outputs, how->weight_size);
    void *bias = mb_twin_allocate(builder, plan->n_outputs, how->weight_size);
    if (index == NULL || weights == NULL || bias == NULL) {
        return mb_context_status(builder->ctx);
    }
    const size_t zero = how->is_paired ? (builder->value.n + 1) / 2 : builder->value.n;
    for (size_t g = 0; g < plan->n_groups; g++) {
        for (size_t t = 0; t < n; t++) {
            const uint32_t feature = plan->index[g * plan->n_terms + terms[t]];
            const bool is_zero = feature == builder->value.n;
            index[g * n + t] = is_zero ? (uint32_t)zero : feature / (how->is_paired ? 2U : 1U);
            if (is_zero) {
                operation->zero_bytes = mb_twin_row_bytes(builder->value.store);
                operation->zero_row = zero * operation->zero_bytes;
            }
        }
    }
    pack_weights(plan, how, terms, n, weights);
    for (size_t o = 0; o < plan->n_outputs; o++) {
        how->put_bias(bias, o, plan->numbers->bias[o]);
    }
    operation->sums = (mb_fixed_sums){.n_groups = plan->n_groups,
        .n_terms = n,
        .n_outputs = plan->n_outputs,
        .index = index,
        .weights = weights,
        .bias = bias};
    return MB_OK;
}

mb_status mb_twin_add_sums(twin_builder *builder, const twin_numbers *numbers,
    const uint32_t *index, size_t n_groups, size_t n_terms, size_t n_outputs) {
    sums_plan plan = {.numbers = numbers,
        .index = index,
        .n_groups = n_groups,
        .n_terms = n_terms,
        .n_outputs = n_outputs};
    const arithmetic *how = arithmetics;
    MB_TRY(prove(builder, &plan));
    while (!how->holds(&plan, &builder->value)) {
        how++;
    }
    MB_TRY(mb_twin_store_as(builder, how->in));
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    operation->run = how->run;
    MB_TRY(pack(builder, &plan, how, operation));
    builder->step->known.arithmetic = how->name;
    builder->value.n = n_groups * n_outputs;
    builder->value.store = how->out;
    builder->value.exponent = numbers->exponent;
    builder->value.least = plan.least;
    builder->value.most = plan.most;
    mb_twin_note_tile(builder);
    return MB_OK;
}
