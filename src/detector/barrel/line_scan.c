// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "detector/barrel/line.h"
#include "detector/barrel/masks.h"

// The quick reader of hit lines. Legality is a question of neighbours, so it is asked of 64 bytes
// at once with masks: adding a mask of blanks to a mask of marks moves each mark over the blanks
// behind it (the carry runs through them). Only brackets are looked at one by one.

// Longer lines are rare and go to the careful reader.
enum { MAX_WORDS = 64 };

// Marks that crossed the end of the last 64 bytes.
typedef struct carries {
    uint64_t number, minus, digit, point, fraction, close, value, opener, value_run, opener_run;
    uint64_t list_comma, list_run;
} carries;

typedef struct brackets {
    int depth, n_lists;
    bool is_wrong;   // a list was closed that had not been opened, or too many are open
    size_t position; // of the third list
} brackets;

// a + b + *carry, and the carry out.
static inline uint64_t add(uint64_t a, uint64_t b, uint64_t *carry) {
    const uint64_t partial = a + b;
    const uint64_t sum = partial + *carry;
    *carry = (uint64_t)(partial < a) | (uint64_t)(sum < partial);
    return sum;
}

// Moves by one byte; *top keeps the byte that falls out.
static inline uint64_t behind(uint64_t mask, uint64_t *top) {
    const uint64_t moved = mask << 1 | *top;
    *top = mask >> 63;
    return moved;
}

// Bytes that stand where they must not, as far as neighbours tell. starts and ends receive the
// first bytes of numbers and the bytes behind numbers.
static inline uint64_t find_wrong(
    const mb_barrel_masks *m, carries *c, uint64_t *starts, uint64_t *ends) {
    const uint64_t blank = m->blank;
    const uint64_t number = m->digit | m->point | m->minus;
    const uint64_t behind_number = behind(number, &c->number);
    const uint64_t start = number & ~behind_number;
    const uint64_t end = behind_number & ~number;
    *starts = start;
    *ends = end;

    // A number is [-] digits [. digits].
    uint64_t wrong = m->minus & ~start;
    wrong |= behind(m->minus, &c->minus) & ~m->digit;
    wrong |= m->point & ~behind(m->digit, &c->digit);
    const uint64_t fraction = behind(m->point, &c->point);
    wrong |= add(fraction, m->digit, &c->fraction) & ~m->digit & m->point;

    // Behind a value: a comma, a closing bracket or the line's end.
    const uint64_t close = behind(m->close, &c->close);
    const uint64_t after_value = add(end | close, blank, &c->value_run) & ~blank;
    wrong |= after_value & ~(m->comma | m->close | m->feed);

    // Behind a comma or an opening bracket, and where the line begins: a value or the list's end.
    const uint64_t opener = behind(m->comma | m->open, &c->opener);
    const uint64_t after_opener = add(opener, blank, &c->opener_run) & ~blank;
    wrong |= after_opener & ~(start | m->open | m->close);

    // A number behind a list is legal inside lists, but would spoil the count of fields.
    wrong |= close & blank;
    const uint64_t list_comma = behind(close & m->comma, &c->list_comma);
    wrong |= add(list_comma, blank, &c->list_run) & ~blank & start;
    return wrong;
}

static inline void follow_brackets(const mb_barrel_masks *m, size_t base, brackets *b) {
    int depth = b->depth, n_lists = b->n_lists;
    int outside = 0; // its sign: set when depth has left 0 .. 16
    size_t position = b->position;
    for (uint64_t rest = m->open | m->close; rest != 0; rest &= rest - 1) {
        const unsigned bit = mb_barrel_lowest(rest);
        const int is_open = (int)(m->open >> bit & 1);
        const int is_list = is_open & (depth == 0);
        n_lists += is_list;
        position = (is_list & (n_lists == 3)) != 0 ? base + bit : position;
        depth += 2 * is_open - 1;
        outside |= depth | (MB_BARREL_DEPTH - depth);
    }
    b->is_wrong |= outside < 0;
    b->depth = depth;
    b->n_lists = n_lists;
    b->position = position;
}

// Leaves only what is before the line feed, and the line feed.
static inline uint64_t cut_at_feed(mb_barrel_masks *m) {
    const uint64_t feed = m->feed & (~m->feed + 1);
    const uint64_t line = feed - 1; // all bytes when there is no feed
    m->digit &= line;
    m->comma &= line;
    m->blank &= line;
    m->open &= line;
    m->close &= line;
    m->point &= line;
    m->minus &= line;
    m->feed = feed;
    return line & ~(m->digit | m->comma | m->blank | m->open | m->close | m->point | m->minus);
}

static inline uint64_t below_lowest(uint64_t mask) {
    return (mask & (~mask + 1)) - 1;
}

// n <= 19 digits before end.
static inline uint64_t take_barcode(const char *end, unsigned n) {
    const unsigned low = n < 8 ? n : 8;
    const unsigned middle = n - low < 8 ? n - low : 8;
    const uint64_t high = mb_barrel_digits_before(end - 16, n - low - middle);
    return (high * 100000000 + mb_barrel_digits_before(end - 8, middle)) * 100000000 +
           mb_barrel_digits_before(end, low);
}

// The four whole numbers before the first list; they lie in the first 64 bytes.
static inline bool take_fields(const char *line, const mb_barrel_masks *m, uint64_t starts,
    uint64_t ends, mb_barrel_hit *hit) {
    uint64_t commas = m->comma;
    unsigned comma[4], start[4], end[4];
    for (int i = 0; i < 4; i++) {
        if (commas == 0 || ends == 0) {
            return false;
        }
        comma[i] = mb_barrel_lowest(commas);
        start[i] = mb_barrel_lowest(starts);
        end[i] = mb_barrel_lowest(ends);
        commas &= commas - 1;
        starts &= starts - 1;
        ends &= ends - 1;
    }
    const uint64_t before = (UINT64_C(1) << comma[3]) - 1;
    if (((m->minus | m->point | m->open) & before) != 0 || m->open == 0 ||
        (m->blank | ~below_lowest(m->open) | before | UINT64_C(1) << comma[3]) != ~UINT64_C(0)) {
        return false;
    }
    const unsigned n_id = end[0] - start[0], n_barcode = end[1] - start[1];
    const unsigned n_volume = end[2] - start[2], n_layer = end[3] - start[3];
    if (n_id > 8 || n_barcode > 19 || n_volume > 4 || n_layer > 4) {
        return false;
    }
    hit->hitid = mb_barrel_digits_before(line + end[0], n_id);
    hit->barcode = take_barcode(line + end[1], n_barcode);
    hit->volid = (uint16_t)mb_barrel_digits_before(line + end[2], n_volume);
    hit->layid = (uint16_t)mb_barrel_digits_before(line + end[3], n_layer);
    return true;
}

// Digits at text, at most 8.
static inline unsigned count_digits(uint64_t word) {
    const uint64_t low = word ^ UINT64_C(0x3030303030303030);
    // A byte above 9 carries into its top bit, or has it already.
    const uint64_t other =
        (((low & UINT64_C(0x7F7F7F7F7F7F7F7F)) + UINT64_C(0x7676767676767676)) | low) &
        UINT64_C(0x8080808080808080);
    return other == 0 ? 8 : mb_barrel_lowest(other) / 8;
}

// The n <= 7 digits that word begins with.
static inline double first_digits(uint64_t word, unsigned n) {
    return (double)(int64_t)mb_barrel_eight_digits(word << (56 - 8 * n) << 8);
}

// One coordinate with the blanks round it; NULL for more than 7 digits on a side of the point.
// Without branches on signs, points and lengths: they look random.
static inline const char *take_coordinate(const char *p, float *out) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    p += *p == ' ';
    const unsigned is_negative = *p == '-';
    p += is_negative;
    const uint64_t whole = mb_barrel_load(p);
    const unsigned n = count_digits(whole);
    p += n;
    p += *p == '.';
    const uint64_t fraction = mb_barrel_load(p);
    const unsigned n_fraction = count_digits(fraction);
    if (n == 0 || n > 7 || n_fraction > 7) {
        return NULL;
    }
    p += n_fraction;
    // Fewer than 15 digits and a small power of ten: one rounding, so the nearest double.
    const double power = powers[n_fraction];
    const double value =
        (first_digits(whole, n) * power + first_digits(fraction, n_fraction)) / power;
    *out = (float)(value * (1 - 2 * (double)is_negative));
    return p + (*p == ' ');
}

static inline bool take_position(const char *p, mb_barrel_hit *hit) {
    p = take_coordinate(p + 1, &hit->x);
    if (p == NULL || *p != ',') {
        return false;
    }
    p = take_coordinate(p + 1, &hit->y);
    if (p == NULL || *p != ',') {
        return false;
    }
    p = take_coordinate(p + 1, &hit->z);
    return p != NULL && *p == ']';
}

bool mb_barrel_hit_scan(const char *line, mb_barrel_hit *hit, size_t *length) {
    carries c = {.opener = 1};
    brackets b = {0};
    uint64_t wrong = 0;
    for (size_t word = 0; word < MAX_WORDS; word++) {
        mb_barrel_masks m;
        mb_barrel_masks_of(line + 64 * word, &m);
        wrong |= cut_at_feed(&m);
        uint64_t starts, ends;
        wrong |= find_wrong(&m, &c, &starts, &ends);
        if (wrong != 0 || (word == 0 && !take_fields(line, &m, starts, ends, hit))) {
            return false;
        }
        follow_brackets(&m, 64 * word, &b);
        if (b.is_wrong) {
            return false;
        }
        if (m.feed != 0) {
            *length = 64 * word + mb_barrel_lowest(m.feed);
            return b.depth == 0 && b.n_lists == 6 && take_position(line + b.position, hit);
        }
    }
    return false;
}
