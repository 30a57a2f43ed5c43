// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

#include "base/words.h"

// Bytes of this length and more are not copied before the end: arrays take theirs from the file.
enum { LONG_TEXT = 256 };

static mb_pickle_text *make_box(pickle_machine *m, size_t room) {
    if (++m->n_boxes > mb_context_limits(m->ctx)->objects) {
        mb_pickle_fail(m, MB_ERR_LIMIT, "is beyond the limit of %llu objects; split the file",
            (unsigned long long)mb_context_limits(m->ctx)->objects);
        return NULL;
    }
    return mb_pickle_allocate(m, sizeof(mb_pickle_text) + room, 1);
}

mb_pickle_text *mb_pickle_make_text(pickle_machine *m, size_t length, char **bytes) {
    // Lengths are those of bytes in memory, so the sum fits.
    mb_pickle_text *text = make_box(m, length + 1);
    if (text != NULL) {
        *bytes = (char *)(text + 1);
        text->bytes = *bytes;
        text->length = length;
    }
    return text;
}

static mb_status push_text(pickle_machine *m, mb_pickle_kind kind, mb_pickle_text *text) {
    return mb_pickle_push(m, (mb_pickle_value){.kind = kind, .as = {.text = text}});
}

static mb_status push_copy(
    pickle_machine *m, mb_pickle_kind kind, const unsigned char *bytes, size_t length) {
    char *copy = NULL;
    mb_pickle_text *text =
        length < LONG_TEXT ? mb_pickle_make_text(m, length, &copy) : make_box(m, 0);
    if (text == NULL) {
        return mb_context_status(m->ctx);
    }
    text->length = length;
    if (copy != NULL) {
        memcpy(copy, bytes, length);
    } else {
        text->bytes = (const char *)bytes;
    }
    return push_text(m, kind, text);
}

mb_status mb_pickle_own_text(pickle_machine *m, mb_pickle_text *text) {
    const uintptr_t bytes = (uintptr_t)text->bytes;
    if (bytes < (uintptr_t)m->start || bytes >= (uintptr_t)m->end) {
        return MB_OK;
    }
    char *copy = mb_pickle_allocate(m, text->length + 1, 1);
    if (copy == NULL) {
        return mb_context_status(m->ctx);
    }
    memcpy(copy, text->bytes, text->length);
    text->bytes = copy;
    return MB_OK;
}

// Length of the character of UTF-8 at bytes, and its number; 0 for what is not one.
static size_t read_character(const unsigned char *bytes, size_t left, uint32_t *number) {
    const unsigned char first = bytes[0];
    if (first < 0x80) {
        *number = first;
        return 1;
    }
    const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (first < 0xC2 || first > 0xF4 || length > left) {
        return 0;
    }
    uint32_t value = first & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0U) != 0x80U) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3FU);
    }
    *number = value;
    const bool is_surrogate = value >= 0xD800 && value < 0xE000;
    return value < least[length] || value > 0x10FFFF || is_surrogate ? 0 : length;
}

static size_t write_character(unsigned char *out, uint32_t number) {
    if (number < 0x80) {
        out[0] = (unsigned char)number;
        return 1;
    }
    const size_t length = number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; number >>= 6) {
        out[i] = (unsigned char)(0x80U | (number & 0x3FU));
    }
    out[0] = (unsigned char)((0xF00U >> length & 0xFFU) | number);
    return length;
}

static bool is_utf8(const unsigned char *bytes, size_t length) {
    uint32_t number;
    for (size_t i = 0; i < length;) {
        const size_t n = read_character(bytes + i, length - i, &number);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

// Texts of Python 2 are bytes that may be characters.
static mb_status push_string(pickle_machine *m, const unsigned char *bytes, size_t length) {
    return push_copy(m, is_utf8(bytes, length) ? MB_PICKLE_TEXT : MB_PICKLE_BYTES, bytes, length);
}

// n digits at text; false when they are not.
static bool read_hex(const char *text, size_t left, size_t n, uint32_t *number) {
    if (left < n) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < n; i++) {
        const int digit = mb_hex_digit(text[i]);
        if (digit < 0) {
            return false;
        }
        *number = *number << 4 | (uint32_t)digit;
    }
    return true;
}

static mb_status fail_escape(pickle_machine *m) {
    return mb_pickle_fail(
        m, MB_ERR_FORMAT, "has a wrong escape in its text; the file is damaged, write it again");
}

// What stands after the backslash at text[0]. Returns the bytes taken, 0 for none of Python's.
static size_t read_escape(const char *text, size_t left, unsigned char *out) {
    static const char letters[] = "\\'\"nrtabfv0";
    static const char meanings[] = "\\'\"\n\r\t\a\b\f\v";
    if (left < 2) {
        return 0;
    }
    uint32_t number = 0;
    if (text[1] == 'x') {
        if (!read_hex(text + 2, left - 2, 2, &number)) {
            return 0;
        }
        *out = (unsigned char)number;
        return 4;
    }
    const char *letter = text[1] == '\0' ? NULL : strchr(letters, text[1]);
    if (letter == NULL) {
        return 0;
    }
    *out = (unsigned char)meanings[letter - letters];
    return 2;
}

mb_status mb_pickle_run_string(pickle_machine *m) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    if (length < 2 || (line[0] != '\'' && line[0] != '"') || line[length - 1] != line[0]) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "has a text without quotes; the file is damaged, write it again");
    }
    char *bytes = NULL;
    mb_pickle_text *text = mb_pickle_make_text(m, length - 2, &bytes);
    if (text == NULL) {
        return mb_context_status(m->ctx);
    }
    unsigned char *out = (unsigned char *)bytes;
    size_t n = 0;
    for (size_t i = 1; i + 1 < length;) {
        out[n] = (unsigned char)line[i];
        const size_t taken = line[i] != '\\' ? 1 : read_escape(line + i, length - 1 - i, &out[n]);
        if (taken == 0) {
            return fail_escape(m);
        }
        i += taken;
        n++;
    }
    out[n] = '\0';
    text->length = n;
    const mb_pickle_kind kind = is_utf8(out, n) ? MB_PICKLE_TEXT : MB_PICKLE_BYTES;
    return push_text(m, kind, text);
}

// Raw unicode escapes: bytes number characters, and \u and \U number others.
mb_status mb_pickle_run_unicode(pickle_machine *m) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    char *bytes = NULL;
    mb_pickle_text *text = mb_pickle_make_text(m, 2 * length, &bytes);
    if (text == NULL) {
        return mb_context_status(m->ctx);
    }
    unsigned char *out = (unsigned char *)bytes;
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        uint32_t number = (unsigned char)line[i];
        size_t taken = 1;
        if (number == '\\' && i + 1 < length && (line[i + 1] == 'u' || line[i + 1] == 'U')) {
            const size_t digits = line[i + 1] == 'u' ? 4 : 8;
            if (!read_hex(line + i + 2, length - i - 2, digits, &number) || number > 0x10FFFF ||
                (number >= 0xD800 && number < 0xE000)) {
                return fail_escape(m);
            }
            taken = 2 + digits;
        }
        n += write_character(out + n, number);
        i += taken;
    }
    out[n] = '\0';
    text->length = n;
    return push_text(m, MB_PICKLE_TEXT, text);
}

// A length of so many bytes and then what it counts.
static mb_status take_counted(
    pickle_machine *m, size_t size, const unsigned char **bytes, size_t *length) {
    uint64_t count = 0;
    MB_TRY(mb_pickle_take_number(m, size, &count));
    MB_TRY(mb_pickle_take(m, count, bytes));
    *length = (size_t)count;
    return MB_OK;
}

static mb_status push_counted_string(pickle_machine *m, size_t size) {
    const unsigned char *bytes = NULL;
    size_t length = 0;
    MB_TRY(take_counted(m, size, &bytes, &length));
    return push_string(m, bytes, length);
}

static mb_status push_counted_bytes(pickle_machine *m, size_t size) {
    const unsigned char *bytes = NULL;
    size_t length = 0;
    MB_TRY(take_counted(m, size, &bytes, &length));
    return push_copy(m, MB_PICKLE_BYTES, bytes, length);
}

static mb_status push_counted_text(pickle_machine *m, size_t size) {
    const unsigned char *bytes = NULL;
    size_t length = 0;
    MB_TRY(take_counted(m, size, &bytes, &length));
    if (!is_utf8(bytes, length)) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "has a text that is not UTF-8; the file is damaged, write it again");
    }
    return push_copy(m, MB_PICKLE_TEXT, bytes, length);
}

mb_status mb_pickle_run_binstring(pickle_machine *m) {
    return push_counted_string(m, 4);
}

mb_status mb_pickle_run_short_binstring(pickle_machine *m) {
    return push_counted_string(m, 1);
}

mb_status mb_pickle_run_binbytes(pickle_machine *m) {
    return push_counted_bytes(m, 4);
}

mb_status mb_pickle_run_short_binbytes(pickle_machine *m) {
    return push_counted_bytes(m, 1);
}

mb_status mb_pickle_run_binbytes8(pickle_machine *m) {
    return push_counted_bytes(m, 8);
}

mb_status mb_pickle_run_binunicode(pickle_machine *m) {
    return push_counted_text(m, 4);
}

mb_status mb_pickle_run_short_binunicode(pickle_machine *m) {
    return push_counted_text(m, 1);
}

mb_status mb_pickle_run_binunicode8(pickle_machine *m) {
    return push_counted_text(m, 8);
}

mb_status mb_pickle_encode_latin1(
    pickle_machine *m, const mb_pickle_text *text, mb_pickle_value *out) {
    char *bytes = NULL;
    mb_pickle_text *made = mb_pickle_make_text(m, text->length, &bytes);
    if (made == NULL) {
        return mb_context_status(m->ctx);
    }
    size_t n = 0;
    for (size_t i = 0; i < text->length; n++) {
        uint32_t number = 0;
        const size_t taken =
            read_character((const unsigned char *)text->bytes + i, text->length - i, &number);
        if (taken == 0 || number > 0xFF) {
            return mb_pickle_fail(m, MB_ERR_FORMAT,
                "has bytes written as a text with characters beyond 255; write the file again");
        }
        bytes[n] = (char)(unsigned char)number;
        i += taken;
    }
    bytes[n] = '\0';
    made->length = n;
    *out = (mb_pickle_value){.kind = MB_PICKLE_BYTES, .as = {.text = made}};
    return MB_OK;
}
