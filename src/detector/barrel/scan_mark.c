// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/digits.h"
#include "detector/barrel/scan.h"

// The first step of the quick reader. Legality is a
// question of neighbours, so it is asked of 64 bytes at once: adding a mask of blanks to a mask of
// marks moves each mark over the blanks behind it (the carry runs through them), and taking a mask
// of openings from a mask of closings fills what lies between (the borrow is the state "open").

enum { MASKS = 8 }; // made at once

// What the last 64 bytes leave to the first byte of the next: a mark, a carry or a borrow.
typedef struct carries {
    uint64_t digit, minus, point, fraction, opener, due, open, close, outer, inner, listed;
} carries;

// Moves marks by one byte.
static inline uint64_t behind(uint64_t marks, uint64_t *carry) {
    const uint64_t moved = marks << 1 | *carry;
    *carry = marks >> 63;
    return moved;
}

// Moves marks that stand where a run begins to behind the run.
static inline uint64_t over(uint64_t marks, uint64_t runs, uint64_t *carry) {
    const uint64_t sum = (marks | *carry) + runs;
    *carry = sum < runs;
    return sum & ~runs;
}

// All bytes from an opening to before the next closing. At an opening the bit is set, and at a
// closing it is not, where they alternate.
static inline uint64_t between(uint64_t openings, uint64_t closings, uint64_t *borrow) {
    const uint64_t from = openings + *borrow;
    *borrow = closings < from;
    return closings - from;
}

// Bytes that stand where they must not. top_lists receives the lists that lie in no list.
static inline uint64_t find_wrong(const mb_text_masks *m, carries *c, uint64_t *top_lists) {
    const uint64_t number = m->digit | m->point | m->minus;
    uint64_t wrong = ~(number | m->comma | m->blank | m->open | m->close | m->feed);

    // A number is [-] digits [. digits].
    const uint64_t behind_digit = behind(m->digit, &c->digit);
    const uint64_t behind_minus = behind(m->minus, &c->minus);
    const uint64_t behind_point = behind(m->point, &c->point);
    const uint64_t start = number & ~(behind_digit | behind_minus | behind_point);
    wrong |= m->minus & ~start;
    wrong |= behind_minus & ~m->digit;
    wrong |= m->point & ~behind_digit;
    wrong |= m->point & over(behind_point, m->digit, &c->fraction);

    // A value stands behind a comma, an opening bracket and where a line begins, and nowhere else;
    // only the end of a list may take its place.
    const uint64_t opener = behind(m->comma | m->open | m->feed, &c->opener);
    const uint64_t due = over(opener, m->blank, &c->due);
    wrong |= (due & ~m->close) ^ (start | m->open);

    // Two levels of lists, told apart by [[ and ]]: the second bracket is the outer list's.
    const uint64_t outer_open = m->open & behind(m->open, &c->open);
    const uint64_t outer_close = m->close & behind(m->close, &c->close);
    const uint64_t inner_open = m->open ^ outer_open, inner_close = m->close ^ outer_close;
    const uint64_t outer = between(outer_open, outer_close, &c->outer);
    const uint64_t inner = between(inner_open, inner_close, &c->inner);
    wrong |= (outer ^ outer_open) & (outer_open | outer_close);
    wrong |= (inner ^ inner_open) & (inner_open | inner_close);
    wrong |= (outer | inner) & m->feed;
    *top_lists = inner_open & ~outer;

    // Numbers of their own stand before all lists: so they need not be counted.
    wrong |= start & ~inner & between(m->open, m->feed, &c->listed);
    return wrong;
}

static inline uint64_t below_lowest(uint64_t mask) {
    return (mask & (~mask + 1)) - 1;
}

static inline uint16_t *append(uint16_t *out, uint64_t mask, size_t base) {
    for (; mask != 0; mask &= mask - 1) {
        *out++ = (uint16_t)(base + mb_lowest_bit(mask));
    }
    return out;
}

void mb_barrel_scan_mark(mb_barrel_scan *scan, const char *text, size_t n) {
    mb_text_masks masks[MASKS];
    carries c = {.opener = 1};
    uint16_t *feeds = scan->feeds, *lists = scan->lists;
    const size_t n_bytes = mb_min_size(n, MB_BARREL_SCAN_BYTES);
    uint64_t wrong = 0;
    for (size_t base = 0; base < n_bytes && wrong == 0; base += 64) {
        const size_t word = base / 64;
        if (word % MASKS == 0) {
            scan->masks(text + base, mb_min_size(MASKS, (n_bytes - base + 63) / 64), masks);
        }
        const mb_text_masks *m = &masks[word % MASKS];
        scan->numbers[word] = m->digit | m->point;
        scan->signs[word] = m->point | m->minus;
        uint64_t top_lists;
        wrong = find_wrong(m, &c, &top_lists);
        // What lies beyond the text is as good as wrong.
        wrong |= n_bytes - base < 64 ? ~UINT64_C(0) << (n_bytes - base) : 0;
        const uint64_t right = below_lowest(wrong);
        feeds = append(feeds, m->feed & right, base);
        lists = append(lists, top_lists & right, base);
    }
    for (int i = 0; i <= MB_BARREL_SCAN_LISTS; i++) {
        lists[i] = UINT16_MAX;
    }
    scan->text = text;
    scan->begin = 0;
    scan->n_lines = (size_t)(feeds - scan->feeds);
}
