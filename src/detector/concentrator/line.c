// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/line.h"

#include "base/numbers.h"

#include <math.h>

const char *const mb_calq_energy_names[MB_CALQ_ENERGIES] = {
    "SimEnergyTotal", "EventSimEnergy", "SimEnergyFraction"};

// A field without the blanks and quotes around it.
typedef struct field {
    const char *text;
    size_t length;
} field;

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static field trim(const char *begin, const char *end) {
    while (begin < end && is_blank(*begin)) {
        begin++;
    }
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    if (end - begin >= 2 && *begin == '"' && end[-1] == '"') {
        begin++;
        end--;
    }
    return (field){begin, (size_t)(end - begin)};
}

static const char *end_of_field(const char *text, const char *end) {
    const char *comma = memchr(text, ',', (size_t)(end - text));
    return comma != NULL ? comma : end;
}

static bool is_word(field f, const char *word) {
    return f.length == strlen(word) && memcmp(f.text, word, f.length) == 0;
}

// "nan", "inf" and "-inf" in any case, as Python and C print them.
static bool is_no_finite(field f, double *out) {
    char small[8] = {0};
    const bool is_negative = f.length > 0 && f.text[0] == '-';
    if (f.length > 0 && (f.text[0] == '-' || f.text[0] == '+')) {
        f.text++;
        f.length--;
    }
    for (size_t i = 0; i < f.length && i + 1 < sizeof small; i++) {
        const char c = f.text[i];
        small[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (f.length == 3 && strcmp(small, "nan") == 0) {
        *out = NAN;
        return true;
    }
    if ((f.length == 3 && strcmp(small, "inf") == 0) ||
        (f.length == 8 && memcmp(f.text, "Infinity", 8) == 0)) {
        *out = is_negative ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

static bool to_number(field f, double *out) {
    const char *end = mb_parse_double(f.text, f.text + f.length, out);
    return (end != NULL && end == f.text + f.length) || is_no_finite(f, out);
}

// CALQ_0 .. CALQ_47; anything else that begins so is a mistake, told by the return value.
static bool charge_of(field f, size_t *cell) {
    uint64_t number = 0;
    const char *end = f.text + f.length;
    const bool is_number = f.length > 5 && mb_parse_uint64(f.text + 5, end, &number) == end;
    *cell = (size_t)number;
    return is_number && number < MB_CALQ_CELLS;
}

static uint8_t role_of(field f) {
    static const struct {
        const char *name;
        uint8_t role;
    } known[] = {
        {"entry", MB_CALQ_ENTRY},
        {"SimEnergyTotal", MB_CALQ_ENERGY_TOTAL},
        {"EventSimEnergy", MB_CALQ_ENERGY_EVENT},
        {"EventSimEnergyTotal", MB_CALQ_ENERGY_EVENT},
        {"SimEnergyFraction", MB_CALQ_ENERGY_FRACTION},
        {"ModType", MB_CALQ_MODULE_TYPE},
    };
    for (size_t i = 0; i < MB_COUNT_OF(known); i++) {
        if (is_word(f, known[i].name)) {
            return known[i].role;
        }
    }
    return MB_CALQ_OTHER;
}

static mb_status read_name(mb_calq_layout *layout, const mb_lines *lines, field f) {
    const size_t column = layout->n_columns + 1;
    uint8_t role = MB_CALQ_OTHER;
    if (f.length >= 5 && memcmp(f.text, "CALQ_", 5) == 0) {
        size_t cell;
        if (!charge_of(f, &cell)) {
            return mb_lines_fail(lines,
                "column %zu: '%.*s' is no charge of a module; they are CALQ_0 to CALQ_47", column,
                (int)mb_min_size(f.length, 40), f.text);
        }
        role = (uint8_t)cell;
    } else {
        role = role_of(f);
    }
    layout->role[layout->n_columns] = role;
    if (role == MB_CALQ_OTHER) {
        return MB_OK;
    }
    if (layout->has[role]) {
        return mb_lines_fail(lines, "column %zu: '%.*s' is there twice; keep one", column,
            (int)mb_min_size(f.length, 40), f.text);
    }
    layout->has[role] = true;
    return MB_OK;
}

static mb_status check_charges(const mb_calq_layout *layout, const mb_lines *lines) {
    for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
        if (!layout->has[i]) {
            return mb_lines_fail(lines,
                layout->has_header
                    ? "there is no column CALQ_%zu among %zu; all of CALQ_0 to CALQ_47 are needed"
                    : "charge CALQ_%zu is missing: the line has %zu fields; without names the "
                      "first 48 are the charges",
                i, layout->n_columns);
        }
    }
    return MB_OK;
}

mb_status mb_calq_layout_read(
    mb_calq_layout *out, const mb_lines *lines, const char *text, size_t length, int header) {
    memset(out, 0, sizeof *out);
    const char *end = text + length;
    double number;
    const field first = trim(text, end_of_field(text, end));
    const bool is_named = !to_number(first, &number);
    if (header == MB_CALQ_HEADER_FALSE && is_named) {
        return mb_lines_fail(lines,
            "column 1: '%.*s' is a name, but data.header is false; set data.header: true or auto",
            (int)mb_min_size(first.length, 40), first.text);
    }
    if (header == MB_CALQ_HEADER_TRUE && !is_named) {
        return mb_lines_fail(lines,
            "column 1: %.*s is a number, but data.header is true; set data.header: false or auto",
            (int)mb_min_size(first.length, 40), first.text);
    }
    out->has_header = is_named;
    for (const char *p = text;; p++) {
        const char *stop = end_of_field(p, end);
        if (out->n_columns == MB_CALQ_MOST_COLUMNS) {
            return mb_lines_fail(
                lines, "more than %d columns; this is no file of charges", MB_CALQ_MOST_COLUMNS);
        }
        if (is_named) {
            MB_TRY(read_name(out, lines, trim(p, stop)));
        } else {
            const bool is_charge = out->n_columns < MB_CALQ_CELLS;
            out->role[out->n_columns] =
                is_charge ? (uint8_t)out->n_columns : (uint8_t)MB_CALQ_OTHER;
            out->has[out->n_columns % MB_CALQ_CELLS] = true;
        }
        out->n_columns++;
        p = stop;
        if (p == end) {
            break;
        }
    }
    return check_charges(out, lines);
}

static bool fail_field(
    mb_calq_problem *problem, size_t column, const char *format, const char *text, size_t length) {
    problem->column = column + 1;
    mb_format(problem->text, sizeof problem->text, format, (int)mb_min_size(length, 40), text);
    return false;
}

static const char not_a_number[] =
    "'%.*s' is not a number; correct the row or set data.on_bad: drop";

static bool read_charge(field f, size_t column, bool is_forced, double *out, size_t *n_forced,
    mb_calq_problem *problem) {
    double value;
    if (!to_number(f, &value)) {
        return fail_field(problem, column, not_a_number, f.text, f.length);
    }
    if (value >= 0 && value <= MB_CALQ_MOST_CHARGE) {
        *out = value;
        return true;
    }
    if (is_forced) {
        *out = value > 0 ? MB_CALQ_MOST_CHARGE : 0;
        (*n_forced)++;
        return true;
    }
    problem->is_charge_only = true;
    const char *format =
        value < 0 && !isinf(value)
            ? "charge %.*s is negative; correct it, or set data.on_bad to drop or clip"
        : isfinite(value) ? "charge %.*s is above 22 bits (4194303); correct it, or set "
                            "data.on_bad to drop or clip"
                          : "charge %.*s is not finite; correct it, or set data.on_bad to drop or "
                            "clip";
    return fail_field(problem, column, format, f.text, f.length);
}

static bool read_other(
    uint8_t role, field f, size_t column, mb_calq_row *out, mb_calq_problem *problem) {
    double value;
    if (role == MB_CALQ_MODULE_TYPE) {
        out->is_whole = is_word(f, "FI") || is_word(f, "FM") || is_word(f, "FO");
        return true;
    }
    if (role == MB_CALQ_ENTRY) {
        if (!to_number(f, &value) || !(fabs(value) < 0x1p62)) {
            return fail_field(problem, column,
                "entry '%.*s' is not a number; correct the row or set data.on_bad: drop", f.text,
                f.length);
        }
        out->entry = (int64_t)value;
        return true;
    }
    // Files have holes where a module has no truth.
    if (f.length == 0) {
        return true;
    }
    if (!to_number(f, &value)) {
        return fail_field(problem, column, not_a_number, f.text, f.length);
    }
    out->energy[role - MB_CALQ_ENERGY_TOTAL] = value;
    return true;
}

// Nearly all charges are short whole numbers. Returns what follows, or NULL.
static const char *read_whole(const char *p, double *out) {
    uint32_t value = 0;
    const char *first = p;
    while (*p >= '0' && *p <= '9' && p - first < 7) {
        value = 10 * value + (uint32_t)(*p - '0');
        p++;
    }
    *out = value;
    return p > first && (*p == ',' || *p == '\0') && value <= (uint32_t)MB_CALQ_MOST_CHARGE ? p
                                                                                            : NULL;
}

bool mb_calq_row_read(const mb_calq_layout *layout, const char *text, size_t length, bool is_forced,
    mb_calq_row *out, size_t *n_forced, mb_calq_problem *problem) {
    const char *end = text + length;
    *n_forced = 0;
    problem->column = 0;
    problem->is_charge_only = false;
    out->entry = 0;
    out->is_whole = false;
    out->energy[0] = out->energy[1] = out->energy[2] = NAN;
    size_t n = 0;
    for (const char *p = text;; p++) {
        if (n == layout->n_columns) {
            n++;
            break;
        }
        const uint8_t role = layout->role[n];
        const char *stop = role < MB_CALQ_CELLS ? read_whole(p, &out->charge[role]) : NULL;
        if (stop == NULL) {
            stop = end_of_field(p, end);
            const field f = trim(p, stop);
            if (role < MB_CALQ_CELLS
                    ? !read_charge(f, n, is_forced, &out->charge[role], n_forced, problem)
                    : role != MB_CALQ_OTHER && !read_other(role, f, n, out, problem)) {
                return false;
            }
        }
        n++;
        p = stop;
        // A zero byte inside a line ends no field but the last.
        if (p >= end) {
            break;
        }
        if (*p != ',') {
            return fail_field(problem, n - 1, not_a_number, p, 0);
        }
    }
    if (n != layout->n_columns) {
        problem->column = 0;
        problem->is_charge_only = false;
        size_t n_fields = 1;
        for (const char *p = text; p < end; p++) {
            n_fields += *p == ',';
        }
        mb_format(problem->text, sizeof problem->text,
            "%zu fields, but the first line has %zu; correct the row or set data.on_bad: drop",
            n_fields, layout->n_columns);
        return false;
    }
    return true;
}

static const char *name_of(uint8_t role, char *text, size_t size) {
    static const char *const names[] = {
        "entry", "SimEnergyTotal", "EventSimEnergy", "SimEnergyFraction", "ModType"};
    if (role < MB_CALQ_CELLS) {
        mb_format(text, size, "CALQ_%u", (unsigned)role);
        return text;
    }
    return role < MB_CALQ_N_ROLES ? names[role - MB_CALQ_ENTRY] : "not used";
}

mb_status mb_calq_fail(
    const mb_calq_layout *layout, const mb_lines *lines, const mb_calq_problem *problem) {
    char name[16];
    if (problem->column == 0) {
        return mb_lines_fail(lines, "%s", problem->text);
    }
    return mb_lines_fail(lines, "column %zu (%s): %s", problem->column,
        name_of(layout->role[problem->column - 1], name, sizeof name), problem->text);
}
