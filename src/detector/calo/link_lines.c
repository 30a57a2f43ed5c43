// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/link_lines.h"

static const char begin_mark[] = "#BeginData";

// The next word between blanks and tabs; its length is 0 at the end of the line.
static const char *next_word(const char *p, size_t *length) {
    p += strspn(p, " \t");
    *length = strcspn(p, " \t");
    return p;
}

bool mb_calo_word_parse(const char *word, size_t length, size_t most, uint64_t *out) {
    if (length > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
        word += 2;
        length -= 2;
    }
    *out = 0;
    for (size_t i = 0; i < length; i++) {
        const char c = word[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            return false;
        }
        *out = *out << 4 | (uint64_t)digit;
    }
    return length > 0 && length <= most;
}

static mb_status read_names(mb_calo_link_lines *lines, const char *text) {
    size_t n = 0;
    size_t length = 0;
    for (const char *p = next_word(text, &length); length > 0; p = next_word(p + length, &length)) {
        n++;
    }
    n--;
    if (lines->n_links == 0) {
        lines->n_links = n;
    }
    if (n != lines->n_links || n == 0 || n > MB_CALO_LINE_MOST_LINKS) {
        return mb_lines_fail(&lines->lines,
            "the line WordCnt names %zu links, not %zu; this is a file of other links", n,
            lines->n_links);
    }
    return MB_OK;
}

mb_status mb_calo_link_lines_begin(mb_calo_link_lines *lines, size_t n_links, size_t frame) {
    lines->n_links = n_links;
    lines->frame = frame;
    for (;;) {
        char *text = NULL;
        size_t length = 0;
        MB_TRY(mb_lines_next(&lines->lines, &text, &length));
        if (text == NULL) {
            return mb_fail(lines->lines.ctx, MB_ERR_FORMAT,
                "%s: no line %s; give a file of link words", lines->lines.name, begin_mark);
        }
        size_t word_length = 0;
        const char *word = next_word(text, &word_length);
        if (word_length == sizeof begin_mark - 1 && memcmp(word, begin_mark, word_length) == 0) {
            return MB_OK;
        }
        if (word_length == 7 && memcmp(word, "WordCnt", 7) == 0) {
            MB_TRY(read_names(lines, text));
        } else if (word_length > 0 && word[0] != '=' && word[0] != '#') {
            return mb_lines_fail(&lines->lines,
                "'%.40s' stands before the line %s; put that line above the words", word,
                begin_mark);
        }
    }
}

static mb_status check_counter(mb_calo_link_lines *lines, const char *word, size_t length) {
    uint64_t counter = 0;
    if (!mb_calo_word_parse(word, length, 8, &counter)) {
        return mb_lines_fail(&lines->lines,
            "'%.*s' is no word counter; write it as 0x0000, in hexadecimal digits",
            (int)mb_min_size(length, 40), word);
    }
    if (!lines->has_first) {
        lines->has_first = true;
        lines->counter = counter - counter % lines->frame;
    }
    // A counter of four digits starts again.
    if (counter != lines->counter && !(counter == 0 && lines->counter == 0x10000)) {
        return mb_lines_fail(&lines->lines,
            "word counter 0x%04llx is out of order, 0x%04llx comes next; lines are missing, "
            "doubled "
            "or mixed",
            (unsigned long long)counter, (unsigned long long)lines->counter);
    }
    lines->counter = counter + 1;
    return MB_OK;
}

static mb_status read_row(
    mb_calo_link_lines *lines, const char *text, uint32_t row[MB_CALO_LINE_MOST_LINKS]) {
    size_t length = 0;
    const char *word = next_word(text, &length);
    MB_TRY(check_counter(lines, word, length));
    size_t n = 0;
    for (word = next_word(word + length, &length); length > 0;
         word = next_word(word + length, &length)) {
        uint64_t value = 0;
        if (n < MB_CALO_LINE_MOST_LINKS && !mb_calo_word_parse(word, length, 8, &value)) {
            return mb_lines_fail(&lines->lines,
                "column %zu, '%.*s', is no word of 32 bits; write 1 to 8 hexadecimal digits", n + 2,
                (int)mb_min_size(length, 40), word);
        }
        if (n < MB_CALO_LINE_MOST_LINKS) {
            row[n] = (uint32_t)value;
        }
        n++;
    }
    if (lines->n_links == 0 && n <= MB_CALO_LINE_MOST_LINKS) {
        lines->n_links = n;
    }
    if (n != lines->n_links || n == 0) {
        return mb_lines_fail(&lines->lines,
            "%zu columns; write a word counter and %zu words, one for each link", n + 1,
            mb_max_size(lines->n_links, 1));
    }
    return MB_OK;
}

mb_status mb_calo_link_lines_next(
    mb_calo_link_lines *lines, uint32_t (*rows)[MB_CALO_LINE_MOST_LINKS], size_t *n) {
    *n = 0;
    while (*n < lines->frame) {
        char *text = NULL;
        size_t length = 0;
        MB_TRY(mb_lines_next(&lines->lines, &text, &length));
        if (text == NULL && *n == 0) {
            return MB_OK;
        }
        if (text == NULL) {
            return mb_lines_fail(&lines->lines,
                "the file ends within an event: it has %zu of %zu lines; give whole events", *n,
                lines->frame);
        }
        if (strlen(text) != length) {
            return mb_lines_fail(&lines->lines, "a zero byte; this is not a text file");
        }
        if (strspn(text, " \t") < length) {
            MB_TRY(read_row(lines, text, rows[*n]));
            (*n)++;
        }
    }
    return MB_OK;
}
