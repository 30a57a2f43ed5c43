// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/link_lines.h"
#include "detector/calo/links.h"

static const char separators[] = " \t,";

// Where words come from: a file, or a text in memory.
typedef struct source {
    mb_context *ctx;
    const char *name;
    const char *text; // NULL: name is a path
    size_t length;
} source;

typedef struct scores {
    double *value;
    size_t n, capacity;
} scores;

// The score that six words of an event carry: 16 bits, 8 of them fraction, in four nibbles, the
// highest first, at bits 31:28 of words 0 .. 3. 0 .. 255.99609375.
static double score_of(const uint32_t word[MB_CALO_SCORE_WORDS]) {
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++) {
        bits = bits << 4 | word[i] >> 28;
    }
    return (double)bits / 256;
}

static mb_status add(scores *out, mb_context *ctx, const uint32_t word[MB_CALO_SCORE_WORDS]) {
    MB_TRY(mb_grow(ctx, &out->value, &out->capacity, out->n + 1, sizeof *out->value));
    out->value[out->n++] = score_of(word);
    return MB_OK;
}

static mb_status open_lines(const source *from, mb_lines *lines) {
    return from->text != NULL
               ? mb_lines_open_text(lines, from->ctx, from->name, from->text, from->length)
               : mb_lines_open(lines, from->ctx, from->name);
}

// A file that says where its words begin, or names its links, is framed.
static mb_status find_frame(const source *from, bool *is_framed) {
    mb_lines lines = {.ctx = from->ctx};
    mb_status status = open_lines(from, &lines);
    *is_framed = false;
    while (status == MB_OK && !*is_framed) {
        char *text = NULL;
        size_t length = 0;
        status = mb_lines_next(&lines, &text, &length);
        if (status != MB_OK || text == NULL) {
            break;
        }
        text += strspn(text, separators);
        *is_framed = text[0] == '=' || strncmp(text, "WordCnt", 7) == 0 ||
                     strncmp(text, "#BeginData", 10) == 0;
        if (text[0] != '#' && text[0] != '\0') {
            break;
        }
    }
    mb_lines_close(&lines);
    return status;
}

static mb_status read_framed(const source *from, mb_lines *opened, size_t link, scores *out) {
    uint32_t rows[MB_CALO_SCORE_WORDS][MB_CALO_LINE_MOST_LINKS];
    mb_calo_link_lines lines = {.lines = *opened};
    mb_status status = mb_calo_link_lines_begin(&lines, 0, MB_CALO_SCORE_WORDS);
    while (status == MB_OK) {
        size_t n = 0;
        status = mb_calo_link_lines_next(&lines, rows, &n);
        if (status != MB_OK || n == 0) {
            break;
        }
        if (link >= lines.n_links) {
            status = mb_fail(from->ctx, MB_ERR_RANGE,
                "%s: has %zu links, no link %zu; name one of 0..%zu", from->name, lines.n_links,
                link, lines.n_links - 1);
            break;
        }
        uint32_t word[MB_CALO_SCORE_WORDS];
        for (size_t i = 0; i < MB_CALO_SCORE_WORDS; i++) {
            word[i] = rows[i][link];
        }
        status = add(out, from->ctx, word);
    }
    *opened = lines.lines;
    return status;
}

// Takes the words of one line; *n_words of the event are there already.
static mb_status take_line(const mb_lines *lines, const char *text, size_t length,
    uint32_t word[MB_CALO_SCORE_WORDS], size_t *n_words, scores *out) {
    const char *end = text + length;
    for (const char *p = text + strspn(text, separators); p < end; p += strspn(p, separators)) {
        const size_t n = strcspn(p, separators);
        uint64_t value = 0;
        if (!mb_calo_word_parse(p, n, 8, &value)) {
            return mb_lines_fail(lines,
                "'%.*s' is no word of 32 bits; write 1 to 8 hexadecimal digits",
                (int)mb_min_size(n, 40), p);
        }
        word[(*n_words)++] = (uint32_t)value;
        if (*n_words == MB_CALO_SCORE_WORDS) {
            MB_TRY(add(out, lines->ctx, word));
            *n_words = 0;
        }
        p += n;
    }
    return MB_OK;
}

static mb_status read_plain(mb_lines *lines, scores *out) {
    uint32_t word[MB_CALO_SCORE_WORDS];
    size_t n_words = 0;
    for (;;) {
        char *text = NULL;
        size_t length = 0;
        MB_TRY(mb_lines_next(lines, &text, &length));
        if (text == NULL) {
            break;
        }
        if (strlen(text) != length) {
            return mb_lines_fail(lines, "a zero byte; this is not a text file");
        }
        if (text[0] != '#') {
            MB_TRY(take_line(lines, text, length, word, &n_words, out));
        }
    }
    if (n_words > 0) {
        return mb_lines_fail(lines,
            "the file ends within an event: it has %zu of %d words; give whole events", n_words,
            MB_CALO_SCORE_WORDS);
    }
    return MB_OK;
}

static mb_status read_scores(const source *from, size_t link, double **values, size_t *n) {
    *values = NULL;
    *n = 0;
    scores out = {.n = 0};
    mb_lines lines = {.ctx = from->ctx};
    bool is_framed = false;
    mb_status status = find_frame(from, &is_framed);
    if (status == MB_OK) {
        status = open_lines(from, &lines);
    }
    if (status == MB_OK) {
        status = is_framed ? read_framed(from, &lines, link, &out) : read_plain(&lines, &out);
    }
    mb_lines_close(&lines);
    if (status == MB_OK && out.n == 0) {
        status = mb_fail(from->ctx, MB_ERR_FORMAT, "%s: no words; give six an event", from->name);
    }
    if (status != MB_OK) {
        mb_release(from->ctx, out.value);
        return status;
    }
    *values = out.value;
    *n = out.n;
    return MB_OK;
}

mb_status mb_calo_scores_read(
    mb_context *ctx, const char *path, size_t link, double **scores_out, size_t *n) {
    const source from = {.ctx = ctx, .name = path};
    return read_scores(&from, link, scores_out, n);
}

mb_status mb_calo_scores_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    size_t link, double **scores_out, size_t *n) {
    const source from = {.ctx = ctx, .name = name, .text = text, .length = length};
    return read_scores(&from, link, scores_out, n);
}
