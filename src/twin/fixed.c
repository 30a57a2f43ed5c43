// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/fixed.h"

#include "base/numbers.h"

#include <math.h>

static const char *const rounding_names[] = {
    "TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_INF", "RND_MIN_INF"};
static const char *const overflow_names[] = {"WRAP", "SAT", "SAT_SYM", "SAT_ZERO"};

bool mb_fixed_is_valid(const mb_fixed *format) {
    return format->bits >= 1 && format->bits <= MB_FIXED_MOST_BITS &&
           format->integer >= -MB_FIXED_MOST_INTEGER && format->integer <= MB_FIXED_MOST_INTEGER &&
           (unsigned)format->rounding < MB_COUNT_OF(rounding_names) &&
           (unsigned)format->overflow < MB_COUNT_OF(overflow_names);
}

int mb_fixed_exponent(const mb_fixed *format) {
    return format->integer - format->bits;
}

int64_t mb_fixed_most(const mb_fixed *format) {
    return (INT64_C(1) << (format->bits - (format->is_signed ? 1 : 0))) - 1;
}

int64_t mb_fixed_least(const mb_fixed *format) {
    if (!format->is_signed) {
        return 0;
    }
    const int64_t most = mb_fixed_most(format);
    return format->overflow == MB_FIXED_SATURATE_SYMMETRIC ? -most : -most - 1;
}

static int64_t wrap(const mb_fixed *format, uint64_t n) {
    const uint64_t kept = n & ((UINT64_C(1) << format->bits) - 1);
    const uint64_t sign = format->is_signed ? UINT64_C(1) << (format->bits - 1) : 0;
    return (int64_t)(kept ^ sign) - (int64_t)sign;
}

// low: the last 64 bits of the value; the sign tells on which side it lies.
static int64_t overflow(const mb_fixed *format, uint64_t low, bool is_negative) {
    switch (format->overflow) {
    case MB_FIXED_WRAP:
        return wrap(format, low);
    case MB_FIXED_SATURATE_ZERO:
        return 0;
    case MB_FIXED_SATURATE:
    case MB_FIXED_SATURATE_SYMMETRIC:
        break;
    }
    return is_negative ? mb_fixed_least(format) : mb_fixed_most(format);
}

// Whether a value between q and q + 1 goes up. half: its fraction is below (-1), at (0) or above
// (1) one half; it is not 0.
static bool goes_up(mb_fixed_rounding rounding, int half, bool is_negative, bool is_odd) {
    switch (rounding) {
    case MB_FIXED_TRUNCATE:
        return false;
    case MB_FIXED_TRUNCATE_ZERO:
        return is_negative;
    case MB_FIXED_ROUND:
        return half >= 0;
    case MB_FIXED_ROUND_EVEN:
        return half > 0 || (half == 0 && is_odd);
    case MB_FIXED_ROUND_ZERO:
        return half > 0 || (half == 0 && is_negative);
    case MB_FIXED_ROUND_AWAY:
        return half > 0 || (half == 0 && !is_negative);
    case MB_FIXED_ROUND_DOWNWARD:
        return half > 0;
    }
    return false;
}

static int compare(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

// n / 2^shift, rounded. shift > 0.
static int64_t shift_right(mb_fixed_rounding rounding, int64_t n, int shift) {
    const bool is_negative = n < 0;
    int64_t floor;
    int half;
    if (shift <= 63) {
        floor = n >> shift;
        const uint64_t rest = (uint64_t)n & ((UINT64_C(1) << shift) - 1);
        if (rest == 0) {
            return floor;
        }
        half = compare(rest, UINT64_C(1) << (shift - 1));
    } else {
        if (n == 0) {
            return 0;
        }
        floor = is_negative ? -1 : 0;
        half = !is_negative ? -1 : shift == 64 && n == INT64_MIN ? 0 : 1;
    }
    return floor + goes_up(rounding, half, is_negative, (floor & 1) != 0);
}

int64_t mb_fixed_convert(const mb_fixed *format, int64_t n, int exponent, bool *outside) {
    const int shift = exponent - mb_fixed_exponent(format);
    const int64_t least = mb_fixed_least(format);
    const int64_t most = mb_fixed_most(format);
    bool is_outside;
    int64_t value = 0;
    uint64_t low;
    if (shift > 0) {
        // A shift of 62 or more leaves only 0 inside.
        is_outside = shift > 61 ? n != 0 : n > most >> shift || n < -(-least >> shift);
        low = shift > 63 ? 0 : (uint64_t)n << shift;
        value = (int64_t)low;
    } else {
        value = shift == 0 ? n : shift_right(format->rounding, n, -shift);
        is_outside = value < least || value > most;
        low = (uint64_t)value;
    }
    if (outside != NULL) {
        *outside = is_outside;
    }
    return is_outside ? overflow(format, low, n < 0) : value;
}

int64_t mb_fixed_from_double(const mb_fixed *format, double value, bool *outside) {
    if (!isfinite(value)) {
        if (outside != NULL) {
            *outside = true;
        }
        return isnan(value) ? 0 : overflow(format, 0, value < 0);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int field = (int)(bits >> 52 & 0x7ff);
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    const int64_t mantissa = (int64_t)(field == 0 ? fraction : fraction | UINT64_C(1) << 52);
    const int exponent = (field == 0 ? 1 : field) - 1075;
    return mb_fixed_convert(format, bits >> 63 != 0 ? -mantissa : mantissa, exponent, outside);
}

double mb_fixed_scale(double x, int exponent) {
    // In steps: a power of two beyond double's own range may still scale into it.
    while (exponent != 0) {
        const int step = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
        const uint64_t bits = (uint64_t)(1023 + step) << 52;
        double power;
        memcpy(&power, &bits, sizeof power);
        x *= power;
        exponent -= step;
    }
    return x;
}

double mb_fixed_to_double(const mb_fixed *format, int64_t n) {
    return mb_fixed_scale((double)n, mb_fixed_exponent(format));
}

static const char *skip_blanks(const char *text) {
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

static bool is_word_byte(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// The index of the word text[0..length) in names, or -1.
static int find_word(const char *const *names, size_t n, const char *text, size_t length) {
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

// Takes words of rounding and overflow, separated by blanks or commas. NULL when one is neither.
static const char *take_rules(const char *text, mb_fixed *out) {
    for (;;) {
        text = skip_blanks(text);
        if (*text == ',') {
            text = skip_blanks(text + 1);
            if (!is_word_byte(*text)) {
                return NULL;
            }
        }
        size_t length = 0;
        while (is_word_byte(text[length])) {
            length++;
        }
        if (length == 0) {
            return text;
        }
        const size_t prefix = length > 3 && memcmp(text, "AP_", 3) == 0 ? 3 : 0;
        const int rounding =
            find_word(rounding_names, MB_COUNT_OF(rounding_names), text + prefix, length - prefix);
        const int overflow_rule =
            find_word(overflow_names, MB_COUNT_OF(overflow_names), text + prefix, length - prefix);
        if (rounding >= 0) {
            out->rounding = (mb_fixed_rounding)rounding;
        } else if (overflow_rule >= 0) {
            out->overflow = (mb_fixed_overflow)overflow_rule;
        } else {
            return NULL;
        }
        text += length;
    }
}

static const char *take_int(const char *text, int *out) {
    int64_t value = 0;
    text = mb_parse_int64(skip_blanks(text), text + strlen(text), &value);
    if (text == NULL || value < -MB_FIXED_MOST_INTEGER || value > MB_FIXED_MOST_INTEGER) {
        return NULL;
    }
    *out = (int)value;
    return skip_blanks(text);
}

static bool parse(const char *text, mb_fixed *out) {
    static const char *const kinds[] = {"ap_fixed", "fixed", "ap_ufixed", "ufixed", ""};
    *out = (mb_fixed){.is_signed = true};
    text = skip_blanks(text);
    const size_t length = strcspn(text, "<");
    const int kind = find_word(kinds, MB_COUNT_OF(kinds), text, length);
    if (kind < 0 || text[length] != '<') {
        return false;
    }
    out->is_signed = kind != 2 && kind != 3;
    text = take_int(text + length + 1, &out->bits);
    if (text == NULL || *text != ',' || (text = take_int(text + 1, &out->integer)) == NULL ||
        (text = take_rules(text, out)) == NULL || *text != '>') {
        return false;
    }
    text++;
    if (*text == 'u') {
        out->is_signed = false;
        text++;
    }
    text = take_rules(text, out);
    return text != NULL && *text == '\0' && mb_fixed_is_valid(out);
}

mb_status mb_fixed_parse(mb_context *ctx, const char *where, const char *text, mb_fixed *out) {
    if (!parse(text, out)) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: %.64s is no fixed-point format; write \"<bits,integer>\" with 1 to %d bits, u for "
            "unsigned, then TRN, RND, RND_CONV ... and WRAP, SAT ..., as in \"<16,8>u RND SAT\"",
            where, text, MB_FIXED_MOST_BITS);
    }
    return MB_OK;
}

char *mb_fixed_text(const mb_fixed *format, char *text, size_t size) {
    if (format->bits == 0) {
        mb_format(text, size, "none");
        return text;
    }
    const char *rounding = rounding_names[format->rounding];
    const char *rule = overflow_names[format->overflow];
    mb_format(text, size, "<%d,%d>%s%s%s%s%s", format->bits, format->integer,
        format->is_signed ? "" : "u", format->rounding == MB_FIXED_TRUNCATE ? "" : " ",
        format->rounding == MB_FIXED_TRUNCATE ? "" : rounding,
        format->overflow == MB_FIXED_WRAP ? "" : " ",
        format->overflow == MB_FIXED_WRAP ? "" : rule);
    return text;
}
