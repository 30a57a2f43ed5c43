// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/digits.h"
#include "detector/barrel/scan.h"

// The second step of the quick reader: the marks of one line to a hit.

enum { REACH = 55, N_FIELDS = 4, N_LISTS = MB_BARREL_SCAN_LISTS, POSITION = 2 };

// Runs above all that a window may hold, so that a fixed number of runs can be taken of it.
static const uint64_t spare_runs = UINT64_C(0x2A80000000000000);

// The first n <= REACH bits from a byte of the text.
static inline uint64_t window(const uint64_t *mask, size_t from, size_t n) {
    uint64_t word;
    memcpy(&word, (const char *)mask + from / 8, sizeof word);
    return word >> from % 8 & ((UINT64_C(1) << n) - 1);
}

typedef struct run {
    unsigned begin, end;
} run;

// Takes the lowest run of bits out of mask.
static inline run take_run(uint64_t *mask) {
    const uint64_t lowest = *mask & (~*mask + 1);
    const uint64_t carried = *mask + lowest; // in place of the run, the bit behind it
    const run found = {mb_lowest_bit(lowest), mb_lowest_bit(carried)};
    *mask = carried & (carried - 1);
    return found;
}

// n <= 19 digits before end.
static inline uint64_t take_barcode(const char *end, unsigned n) {
    const unsigned low = n < 8 ? n : 8;
    const unsigned middle = n - low < 8 ? n - low : 8;
    const uint64_t high = mb_digits_before(end - 16, n - low - middle);
    return (high * 100000000 + mb_digits_before(end - 8, middle)) * 100000000 +
           mb_digits_before(end, low);
}

// The four whole numbers from begin to the first list.
static inline bool take_fields(
    const mb_barrel_scan *scan, size_t begin, size_t list, mb_barrel_hit *hit) {
    if (list - begin > REACH || window(scan->signs, begin, list - begin) != 0) {
        return false;
    }
    uint64_t numbers = window(scan->numbers, begin, list - begin) | spare_runs;
    run r[N_FIELDS];
    unsigned n[N_FIELDS];
    for (int i = 0; i < N_FIELDS; i++) {
        r[i] = take_run(&numbers);
        n[i] = r[i].end - r[i].begin;
    }
    if (numbers != spare_runs || n[0] > 8 || n[1] > 19 || n[2] > 4 || n[3] > 4) {
        return false;
    }
    const char *text = scan->text + begin;
    hit->hitid = mb_digits_before(text + r[0].end, n[0]);
    hit->barcode = take_barcode(text + r[1].end, n[1]);
    hit->volid = (uint16_t)mb_digits_before(text + r[2].end, n[2]);
    hit->layid = (uint16_t)mb_digits_before(text + r[3].end, n[3]);
    return true;
}

// A coordinate of at most 7 digits on each side of the point. Without branches on signs, points and
// lengths: they look random.
static inline bool take_coordinate(const char *text, uint64_t signs, run r, float *out) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    const unsigned n = mb_lowest_bit((signs | UINT64_C(1) << r.end) >> r.begin);
    const unsigned point = r.begin + n;
    const unsigned n_fraction = r.end - point - (point < r.end);
    if ((n | n_fraction) > 7) {
        return false;
    }
    const uint64_t whole = mb_digits_before(text + point, n);
    const uint64_t fraction = mb_digits_before(text + r.end, n_fraction);
    // Fewer than 15 digits and a small power of ten: one rounding, so the nearest double.
    const double power = powers[n_fraction];
    const float value =
        (float)(((double)(int64_t)whole * power + (double)(int64_t)fraction) / power);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits |= (uint32_t)(signs >> (r.begin - 1)) << 31;
    memcpy(out, &bits, sizeof bits);
    return true;
}

// The three numbers between the opening bracket at list and the next list.
static inline bool take_position(
    const mb_barrel_scan *scan, size_t list, size_t next, mb_barrel_hit *hit) {
    const char *text = scan->text + list;
    if (next - list > REACH || text[1] == '[') {
        return false;
    }
    const uint64_t signs = window(scan->signs, list, next - list);
    uint64_t numbers = window(scan->numbers, list, next - list) | spare_runs;
    const run x = take_run(&numbers);
    const run y = take_run(&numbers);
    const run z = take_run(&numbers);
    return numbers == spare_runs && take_coordinate(text, signs, x, &hit->x) &&
           take_coordinate(text, signs, y, &hit->y) && take_coordinate(text, signs, z, &hit->z);
}

void mb_barrel_scan_start(mb_barrel_scan *scan, uint32_t cpu) {
    scan->masks = mb_text_masks_for(cpu);
    scan->next_line = scan->n_lines = 0;
}

bool mb_barrel_scan_hit(
    mb_barrel_scan *scan, const char *line, size_t n, mb_barrel_hit *hit, size_t *length) {
    if (scan->next_line == scan->n_lines) {
        mb_barrel_scan_mark(scan, line, n);
        scan->next_line = scan->next_list = 0;
        if (scan->n_lines == 0) {
            return false;
        }
    }
    const size_t begin = scan->begin, feed = scan->feeds[scan->next_line++];
    scan->begin = feed + 1;
    *length = feed - begin;
    const uint16_t *lists = scan->lists + scan->next_list;
    if (lists[N_LISTS - 1] > feed || lists[N_LISTS] < feed) {
        while (scan->lists[scan->next_list] < feed) {
            scan->next_list++;
        }
        return false;
    }
    scan->next_list += N_LISTS;
    return take_fields(scan, begin, lists[0], hit) &&
           take_position(scan, lists[POSITION], lists[POSITION + 1], hit);
}
