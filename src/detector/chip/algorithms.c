// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/chip/bits.h"

#include "base/numbers.h"

static uint32_t sum_of(const uint32_t *charges, unsigned first, unsigned n) {
    uint64_t sum = 0;
    for (unsigned i = first; i < first + n; i++) {
        sum += charges[i];
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void add(mb_chip_content *out, unsigned address, uint32_t code) {
    out->address[out->n] = (uint8_t)address;
    out->code[out->n] = (uint16_t)code;
    out->n++;
}

// Addresses in 6 bits for few cells, else a map of 48.
static void put_addresses(mb_chip_writer *writer, const mb_chip_content *content) {
    if (content->n < 8) {
        for (unsigned i = 0; i < content->n; i++) {
            mb_chip_put(writer, content->address[i], 6);
        }
        return;
    }
    unsigned next = 0;
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        const bool is_sent = next < content->n && content->address[next] == cell;
        mb_chip_put(writer, is_sent, 1);
        next += is_sent;
    }
}

static bool take_addresses(mb_chip_reader *reader, mb_chip_content *out) {
    if (out->n < 8) {
        for (unsigned i = 0; i < out->n; i++) {
            out->address[i] = (uint8_t)mb_chip_take(reader, 6);
            if (out->address[i] >= MB_CHIP_CELLS ||
                (i > 0 && out->address[i] <= out->address[i - 1])) {
                return false;
            }
        }
        return true;
    }
    const unsigned wanted = out->n;
    out->n = 0;
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        if (mb_chip_take(reader, 1) != 0) {
            out->address[out->n++] = (uint8_t)cell;
        }
    }
    return wanted == MB_CHIP_CELLS + 1 ? out->n >= 8 : out->n == wanted;
}

static void put_codes(mb_chip_writer *writer, const mb_chip_content *content, unsigned bits) {
    for (unsigned i = 0; i < content->n; i++) {
        mb_chip_put(writer, content->code[i], bits);
    }
}

static void take_codes(mb_chip_reader *reader, mb_chip_content *out, unsigned bits) {
    for (unsigned i = 0; i < out->n; i++) {
        out->code[i] = (uint16_t)mb_chip_take(reader, bits);
    }
}

static void work_threshold(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const uint32_t *charges, mb_chip_content *out) {
    (void)algorithm;
    uint64_t sent = 0;
    *out = (mb_chip_content){.n = 0};
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        if (charges[cell] >= settings->threshold) {
            add(out, cell, mb_float_encode(mb_float_4e3m(settings->drop), charges[cell]));
            sent += charges[cell];
        }
    }
    const uint32_t all = sum_of(charges, 0, MB_CHIP_CELLS);
    out->sum = mb_float_encode(mb_float_5e3m(), settings->is_rest ? (uint32_t)(all - sent) : all);
    out->type = out->n == 0 ? MB_CHIP_NONE : out->n < 8 ? MB_CHIP_FEW : MB_CHIP_MANY;
}

static void pack_threshold(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_content *content, mb_chip_frame *out) {
    (void)settings;
    mb_chip_writer writer = {.frame = out};
    out->n_words = 0;
    mb_chip_put(&writer, content->header, algorithm->header_bits);
    mb_chip_put(&writer, content->type, 3);
    mb_chip_put(&writer, content->sum, 8);
    if (content->type == MB_CHIP_FEW) {
        mb_chip_put(&writer, content->n, 3);
    }
    if (content->type == MB_CHIP_TRUNCATED) {
        mb_chip_put(&writer, 0, 16);
    } else if (content->type != MB_CHIP_NONE) {
        put_addresses(&writer, content);
        put_codes(&writer, content, 7);
    }
    mb_chip_put_end(&writer, 1);
}

static bool unpack_threshold(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_frame *frame, mb_chip_content *out) {
    (void)settings;
    mb_chip_reader reader = {.frame = frame};
    *out = (mb_chip_content){.n = 0};
    out->header = mb_chip_take(&reader, algorithm->header_bits);
    out->type = mb_chip_take(&reader, 3);
    out->sum = mb_chip_take(&reader, 8);
    bool is_good = true;
    if (out->type == MB_CHIP_FEW) {
        out->n = mb_chip_take(&reader, 3);
        is_good = out->n > 0;
    } else if (out->type == MB_CHIP_MANY) {
        out->n = MB_CHIP_CELLS + 1; // as many as the map has
    } else if (out->type == MB_CHIP_TRUNCATED) {
        is_good = mb_chip_take(&reader, 16) == 0;
    } else {
        is_good = out->type == MB_CHIP_NONE;
    }
    if (is_good && out->n > 0) {
        is_good = take_addresses(&reader, out);
        take_codes(&reader, out, is_good ? 7 : 0);
    }
    return is_good && mb_chip_take_end(&reader, 1);
}

static void work_best(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const uint32_t *charges, mb_chip_content *out) {
    (void)algorithm;
    uint32_t values[MB_CHIP_CELLS];
    uint8_t order[MB_CHIP_CELLS];
    uint64_t is_sent = 0;
    uint64_t sent = 0;
    *out = (mb_chip_content){.n = 0};
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        values[cell] = charges[cell] >> settings->drop;
    }
    mb_chip_sort(values, order);
    for (unsigned i = 0; i < mb_chip_best_cells(settings->n_links); i++) {
        is_sent |= UINT64_C(1) << order[i];
        sent += charges[order[i]];
    }
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        if ((is_sent >> cell & 1U) != 0) {
            add(out, cell, mb_float_encode(mb_float_4e3m(settings->drop), charges[cell]));
        }
    }
    const uint32_t all = sum_of(charges, 0, MB_CHIP_CELLS);
    out->sum = mb_float_encode(mb_float_5e3m(), settings->is_rest ? (uint32_t)(all - sent) : all);
}

static void pack_best(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_content *content, mb_chip_frame *out) {
    mb_chip_writer writer = {.frame = out};
    out->n_words = 0;
    mb_chip_put(&writer, content->header, algorithm->header_bits);
    mb_chip_put(&writer, content->sum, 8);
    put_addresses(&writer, content);
    put_codes(&writer, content, 7);
    mb_chip_put_end(&writer, 2 * settings->n_links);
}

static bool unpack_best(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_frame *frame, mb_chip_content *out) {
    mb_chip_reader reader = {.frame = frame};
    *out = (mb_chip_content){.n = 0};
    out->header = mb_chip_take(&reader, algorithm->header_bits);
    out->sum = mb_chip_take(&reader, 8);
    out->n = mb_chip_best_cells(settings->n_links);
    if (!take_addresses(&reader, out)) {
        return false;
    }
    take_codes(&reader, out, 7);
    return mb_chip_take_end(&reader, 2 * settings->n_links);
}

static void work_groups(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const uint32_t *charges, mb_chip_content *out) {
    const mb_chip_groups *groups = algorithm->groups;
    *out = (mb_chip_content){.n = 0};
    for (unsigned g = 0; g < groups->count[mb_min_size(settings->n_links, 5) - 1]; g++) {
        const uint32_t *cell = charges + (size_t)g * groups->size;
        unsigned largest = 0;
        for (unsigned i = 1; i < groups->size; i++) {
            if (cell[i] > cell[largest] || (cell[i] == cell[largest] && !settings->is_first)) {
                largest = i;
            }
        }
        add(out, groups->address_bits > 0 ? largest : 0,
            mb_float_encode(groups->format, sum_of(cell, 0, groups->size)));
    }
}

static void pack_groups(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_content *content, mb_chip_frame *out) {
    (void)settings;
    const mb_chip_groups *groups = algorithm->groups;
    mb_chip_writer writer = {.frame = out};
    out->n_words = 0;
    mb_chip_put(&writer, content->header, algorithm->header_bits);
    for (unsigned i = 0; groups->address_bits > 0 && i < content->n; i++) {
        mb_chip_put(&writer, content->address[i], groups->address_bits);
    }
    put_codes(&writer, content, mb_chip_code_bits(algorithm));
    mb_chip_put_end(&writer, 2);
}

static bool unpack_groups(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_frame *frame, mb_chip_content *out) {
    const mb_chip_groups *groups = algorithm->groups;
    mb_chip_reader reader = {.frame = frame};
    *out = (mb_chip_content){.n = groups->count[mb_min_size(settings->n_links, 5) - 1]};
    out->header = mb_chip_take(&reader, algorithm->header_bits);
    for (unsigned i = 0; groups->address_bits > 0 && i < out->n; i++) {
        out->address[i] = (uint8_t)mb_chip_take(&reader, groups->address_bits);
    }
    take_codes(&reader, out, mb_chip_code_bits(algorithm));
    return mb_chip_take_end(&reader, 2);
}

static void work_repeater(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const uint32_t *charges, mb_chip_content *out) {
    (void)algorithm;
    *out = (mb_chip_content){.n = 0};
    for (unsigned cell = 0; cell < MB_CHIP_CELLS; cell++) {
        add(out, 0, mb_float_encode(mb_float_4e3m(settings->drop), charges[cell]));
    }
}

static void pack_repeater(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_content *content, mb_chip_frame *out) {
    (void)algorithm;
    (void)settings;
    mb_chip_writer writer = {.frame = out};
    out->n_words = 0;
    put_codes(&writer, content, 7);
    mb_chip_put_end(&writer, 2);
}

static bool unpack_repeater(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_frame *frame, mb_chip_content *out) {
    (void)algorithm;
    (void)settings;
    mb_chip_reader reader = {.frame = frame};
    *out = (mb_chip_content){.n = MB_CHIP_CELLS};
    take_codes(&reader, out, 7);
    return mb_chip_take_end(&reader, 2);
}

static unsigned count_kept(unsigned keep) {
    unsigned n = 0;
    for (; keep != 0; keep &= keep - 1) {
        n++;
    }
    return n;
}

// Bits of the field of data, whatever the header leaves of the links' bits.
static unsigned data_bits(const mb_chip_settings *settings) {
    return 32 * (unsigned)mb_min_size(settings->n_links, 5) - settings->header_bits - 9;
}

static unsigned spare_bits(const mb_chip_settings *settings) {
    unsigned n = 0;
    for (unsigned i = 0; i < MB_CHIP_OUTPUTS; i++) {
        n += count_kept(settings->keep[i]);
    }
    return data_bits(settings) - n;
}

static void put_kept(mb_chip_writer *writer, unsigned output, unsigned keep) {
    unsigned kept = 0;
    for (unsigned bit = MB_OUTPUT_BITS; bit-- > 0;) {
        if ((keep >> bit & 1U) != 0) {
            kept = kept << 1 | (output >> bit & 1U);
        }
    }
    mb_chip_put(writer, kept, count_kept(keep));
}

static unsigned take_kept(mb_chip_reader *reader, unsigned keep) {
    unsigned kept = mb_chip_take(reader, count_kept(keep));
    unsigned output = 0;
    for (unsigned bit = 0; bit < MB_OUTPUT_BITS; bit++) {
        if ((keep >> bit & 1U) != 0) {
            output |= (kept & 1U) << bit;
            kept >>= 1;
        }
    }
    return output;
}

// How many uppermost bits all outputs keep; 0: no such number.
static unsigned common_bits(const mb_chip_settings *settings) {
    const unsigned n = count_kept(settings->keep[0]);
    bool is_same = settings->keep[0] == mb_output_cut(MB_OUTPUT_MOST, n);
    for (unsigned i = 1; i < MB_CHIP_OUTPUTS; i++) {
        is_same = is_same && settings->keep[i] == settings->keep[0];
    }
    return is_same ? n : 0;
}

static void pack_outputs(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_content *content, mb_chip_frame *out) {
    (void)algorithm;
    mb_chip_writer writer = {.frame = out};
    const unsigned bits = common_bits(settings);
    out->n_words = 0;
    mb_chip_put(&writer, content->header, settings->header_bits);
    mb_chip_put(&writer, content->sum, 9);
    unsigned spare = bits > 0 ? data_bits(settings) - MB_CHIP_OUTPUTS * bits : spare_bits(settings);
    for (; spare > 16; spare -= 16) {
        mb_chip_put(&writer, 0, 16);
    }
    mb_chip_put(&writer, 0, spare);
    for (unsigned i = MB_CHIP_OUTPUTS; i-- > 0;) {
        if (bits > 0) {
            mb_chip_put(&writer, (uint32_t)content->code[i] >> (MB_OUTPUT_BITS - bits), bits);
        } else {
            put_kept(&writer, content->code[i], settings->keep[i]);
        }
    }
    mb_chip_put_end(&writer, 2);
}

static bool unpack_outputs(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    const mb_chip_frame *frame, mb_chip_content *out) {
    (void)algorithm;
    mb_chip_reader reader = {.frame = frame};
    const unsigned bits = common_bits(settings);
    bool is_good = true;
    *out = (mb_chip_content){.n = MB_CHIP_OUTPUTS};
    out->header = mb_chip_take(&reader, settings->header_bits);
    out->sum = mb_chip_take(&reader, 9);
    unsigned spare = bits > 0 ? data_bits(settings) - MB_CHIP_OUTPUTS * bits : spare_bits(settings);
    for (; spare > 16; spare -= 16) {
        is_good = mb_chip_take(&reader, 16) == 0 && is_good;
    }
    is_good = mb_chip_take(&reader, spare) == 0 && is_good;
    for (unsigned i = MB_CHIP_OUTPUTS; i-- > 0;) {
        out->code[i] = (uint16_t)(bits > 0 ? mb_chip_take(&reader, bits) << (MB_OUTPUT_BITS - bits)
                                           : take_kept(&reader, settings->keep[i]));
    }
    return mb_chip_take_end(&reader, 2) && is_good;
}

static const mb_chip_algorithm autoencoder = {"autoencoder",
    "16 outputs of the encoder network and the module's sum", 0, 1, NULL, NULL, pack_outputs,
    unpack_outputs};
static const mb_chip_algorithm threshold = {"threshold",
    "all cells of at least a threshold, and the module's sum", 5, 1, NULL, work_threshold,
    pack_threshold, unpack_threshold};
static const mb_chip_algorithm best_choice = {"best_choice",
    "the largest cells, as many as the links carry, and the module's sum", 4, 1, NULL, work_best,
    pack_best, unpack_best};
static const mb_chip_groups stc4_9_groups = {4, 2, {5, 4, 0, false, false}, {2, 5, 8, 11, 12}};
static const mb_chip_algorithm stc4_9 = {"stc4_9",
    "sums of 4 cells in 9 bits, and which is the largest", 4, 1, &stc4_9_groups, work_groups,
    pack_groups, unpack_groups};
static const mb_chip_groups stc4_7_groups = {4, 2, {4, 3, 0, false, false}, {3, 6, 10, 12, 12}};
static const mb_chip_algorithm stc4_7 = {"stc4_7",
    "sums of 4 cells in 7 bits, and which is the largest", 4, 1, &stc4_7_groups, work_groups,
    pack_groups, unpack_groups};
static const mb_chip_groups stc16_9_groups = {16, 4, {5, 4, 0, false, false}, {2, 3, 3, 3, 3}};
static const mb_chip_algorithm stc16_9 = {"stc16_9",
    "sums of 16 cells in 9 bits, and which is the largest", 4, 1, &stc16_9_groups, work_groups,
    pack_groups, unpack_groups};
static const mb_chip_groups ctc4_7_groups = {4, 0, {4, 3, 0, false, false}, {4, 8, 12, 12, 12}};
static const mb_chip_algorithm ctc4_7 = {"ctc4_7", "sums of 4 cells in 7 bits", 4, 1,
    &ctc4_7_groups, work_groups, pack_groups, unpack_groups};
static const mb_chip_algorithm repeater = {"repeater", "all 48 charges in 7 bits", 0, 11, NULL,
    work_repeater, pack_repeater, unpack_repeater};

const mb_chip_algorithm *const mb_chip_algorithms[] = {
    &autoencoder, &threshold, &best_choice, &stc4_9, &stc4_7, &stc16_9, &ctc4_7, &repeater, NULL};

mb_status mb_chip_algorithm_find(mb_context *ctx, const char *name, const mb_chip_algorithm **out) {
    char known[256] = "";
    size_t n = 0;
    for (size_t i = 0; mb_chip_algorithms[i] != NULL; i++) {
        if (strcmp(mb_chip_algorithms[i]->name, name) == 0) {
            *out = mb_chip_algorithms[i];
            return MB_OK;
        }
        n += (size_t)mb_format(
            known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", mb_chip_algorithms[i]->name);
    }
    return mb_fail(ctx, MB_ERR_ARG, "algorithm: '%s' is not known; take one of %s", name, known);
}

mb_status mb_chip_settings_check(
    mb_context *ctx, const mb_chip_algorithm *algorithm, const mb_chip_settings *settings) {
    if (settings->n_links < 1 || settings->n_links > MB_CHIP_MOST_LINKS) {
        return mb_fail(ctx, MB_ERR_ARG, "links: %u; a module that is read out has 1 .. %d",
            settings->n_links, MB_CHIP_MOST_LINKS);
    }
    if (settings->n_links < algorithm->least_links) {
        return mb_fail(ctx, MB_ERR_ARG, "links: %u; %s needs %u", settings->n_links,
            algorithm->name, algorithm->least_links);
    }
    if (settings->drop > 8) {
        return mb_fail(ctx, MB_ERR_ARG,
            "drop: %u; charges leave out 0 .. 8 bits, 1 on low density modules, 3 on high density "
            "ones",
            settings->drop);
    }
    if (settings->calibration > MB_CHIP_CALIBRATION_MOST) {
        return mb_fail(ctx, MB_ERR_ARG, "calibration: %u; it has 12 bits, 0 .. %d",
            settings->calibration, MB_CHIP_CALIBRATION_MOST);
    }
    if (settings->header_bits != 4 && settings->header_bits != 5) {
        return mb_fail(ctx, MB_ERR_ARG, "header bits: %u; the crossing counter has 5 or 4",
            settings->header_bits);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < MB_CHIP_OUTPUTS; i++) {
        kept += count_kept(settings->keep[i]);
    }
    if (algorithm == &autoencoder && kept > data_bits(settings)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "keep: %u bits of the outputs; %u links carry %u beside header and sum", kept,
            settings->n_links, data_bits(settings));
    }
    return MB_OK;
}

unsigned mb_chip_most_codes(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings) {
    return algorithm == &autoencoder   ? MB_CHIP_OUTPUTS
           : algorithm == &best_choice ? mb_chip_best_cells(settings->n_links)
           : algorithm->groups != NULL
               ? algorithm->groups->count[mb_min_size(settings->n_links, 5) - 1]
               : MB_CHIP_CELLS;
}

bool mb_chip_has_addresses(const mb_chip_algorithm *algorithm) {
    return algorithm == &threshold || algorithm == &best_choice ||
           (algorithm->groups != NULL && algorithm->groups->address_bits > 0);
}

bool mb_chip_has_sum(const mb_chip_algorithm *algorithm) {
    return algorithm == &threshold || algorithm == &best_choice || algorithm == &autoencoder;
}

bool mb_chip_has_type(const mb_chip_algorithm *algorithm) {
    return algorithm == &threshold;
}

unsigned mb_chip_code_bits(const mb_chip_algorithm *algorithm) {
    return algorithm == &autoencoder ? MB_OUTPUT_BITS
           : algorithm->groups != NULL
               ? algorithm->groups->format.exponent + algorithm->groups->format.mantissa
               : 7;
}

static mb_status check_type(mb_context *ctx, const mb_chip_content *content) {
    const unsigned wanted =
        content->n == 0  ? content->type == MB_CHIP_TRUNCATED ? MB_CHIP_TRUNCATED : MB_CHIP_NONE
        : content->n < 8 ? MB_CHIP_FEW
                         : MB_CHIP_MANY;
    if (content->type != wanted) {
        return mb_fail(ctx, MB_ERR_RANGE, "type: %u with %u cells; it is %u", content->type,
            content->n, wanted);
    }
    return MB_OK;
}

static mb_status check_numbers(
    mb_context *ctx, const mb_chip_algorithm *algorithm, const mb_chip_content *content) {
    const bool has_rising = mb_chip_has_addresses(algorithm) && algorithm->groups == NULL;
    const unsigned most_address = !mb_chip_has_addresses(algorithm) ? 1
                                  : has_rising                      ? MB_CHIP_CELLS
                                                                    : algorithm->groups->size;
    for (unsigned i = 0; i < content->n; i++) {
        const unsigned bits = mb_chip_code_bits(algorithm);
        if (content->code[i] >> bits != 0) {
            return mb_fail(ctx, MB_ERR_RANGE, "code_%u: %u does not fit into %u bits", i,
                content->code[i], bits);
        }
        if (content->address[i] >= most_address ||
            (has_rising && i > 0 && content->address[i] <= content->address[i - 1])) {
            return mb_fail(ctx, MB_ERR_RANGE, "address_%u: %u; addresses are below %u%s", i,
                content->address[i], most_address, has_rising ? " and rise" : "");
        }
    }
    return MB_OK;
}

mb_status mb_chip_content_check(mb_context *ctx, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, const mb_chip_content *content) {
    const unsigned header =
        algorithm == &autoencoder ? settings->header_bits : algorithm->header_bits;
    const unsigned sum = !mb_chip_has_sum(algorithm) ? 0 : algorithm == &autoencoder ? 9 : 8;
    const unsigned most = mb_chip_most_codes(algorithm, settings);
    if (content->header >> header != 0) {
        return mb_fail(
            ctx, MB_ERR_RANGE, "header: %u does not fit into %u bits", content->header, header);
    }
    if (content->sum >> sum != 0) {
        return mb_fail(ctx, MB_ERR_RANGE, "sum: %u does not fit into %u bits", content->sum, sum);
    }
    if (content->n > most || (algorithm != &threshold && content->n < most)) {
        return mb_fail(ctx, MB_ERR_RANGE, "n: %u numbers; %s has %s%u", content->n, algorithm->name,
            algorithm == &threshold ? "at most " : "", most);
    }
    if (algorithm == &threshold) {
        MB_TRY(check_type(ctx, content));
    } else if (content->type != 0) {
        return mb_fail(ctx, MB_ERR_RANGE, "type: only a threshold sum has one; leave it 0");
    }
    return check_numbers(ctx, algorithm, content);
}
