// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/report.h"

#include "base/output.h"
#include "base/words.h"
#include "draw/parts.h"
#include "draw/report_style.h"

// An SVG above this is slower to show than its PNG.
enum { LARGEST_SVG = 600000 };

struct mb_report {
    mb_context *ctx;
    mb_buffer body, contents, footer;
    mb_arena arena; // texts being formatted
    const char *title, *subtitle;
    int n_headings, n_open_details;
    mb_status status;
};

mb_report *mb_report_create(mb_context *ctx, const char *title, const char *subtitle) {
    mb_report *report = mb_allocate_zeroed(ctx, 1, sizeof *report);
    if (report == NULL) {
        return NULL;
    }
    report->ctx = ctx;
    mb_buffer_init(&report->body, ctx);
    mb_buffer_init(&report->contents, ctx);
    mb_buffer_init(&report->footer, ctx);
    mb_arena_init(&report->arena, ctx);
    report->title = mb_arena_text(&report->arena, ctx, title);
    report->subtitle = mb_arena_text(&report->arena, ctx, subtitle != NULL ? subtitle : "");
    if (report->title == NULL || report->subtitle == NULL) {
        mb_report_destroy(report);
        return NULL;
    }
    return report;
}

void mb_report_destroy(mb_report *report) {
    if (report != NULL) {
        mb_buffer_clear(&report->body);
        mb_buffer_clear(&report->contents);
        mb_buffer_clear(&report->footer);
        mb_arena_clear(&report->arena);
        mb_release(report->ctx, report);
    }
}

// The one way of a text into the page: nothing of it can be taken for HTML, in elements or in
// quoted attributes.
static void escape(mb_buffer *out, const char *text) {
    const char *p = text;
    while (*p != '\0') {
        const size_t length = mb_utf8_length(p);
        const unsigned char c = (unsigned char)*p;
        if (length == 0) {
            mb_buffer_text(out, "\xEF\xBF\xBD");
        } else if (c == '&') {
            mb_buffer_text(out, "&amp;");
        } else if (c == '<') {
            mb_buffer_text(out, "&lt;");
        } else if (c == '>') {
            mb_buffer_text(out, "&gt;");
        } else if (c == '"') {
            mb_buffer_text(out, "&quot;");
        } else if (c == '\'') {
            mb_buffer_text(out, "&#39;");
        } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
            mb_buffer_text(out, " ");
        } else {
            mb_buffer_append(out, p, length);
        }
        p += length > 0 ? length : 1;
    }
}

static void element(mb_buffer *out, const char *open, const char *text, const char *close) {
    mb_buffer_text(out, open);
    escape(out, text);
    mb_buffer_text(out, close);
}

void mb_report_heading(mb_report *report, int level, const char *text) {
    if (report == NULL) {
        return;
    }
    const int depth = level < 2 ? 2 : level > 4 ? 4 : level;
    report->n_headings++;
    mb_buffer_format(&report->body, "<h%d id=\"part%d\">", depth, report->n_headings);
    escape(&report->body, text);
    mb_buffer_format(&report->body, "</h%d>\n", depth);
    if (depth == 2) {
        mb_buffer_format(&report->contents, "<a href=\"#part%d\">", report->n_headings);
        element(&report->contents, "", text, "</a>\n");
    }
}

static void formatted(
    mb_report *report, mb_buffer *out, const char *open, const char *format, va_list list) {
    const char *text = mb_arena_format_list(&report->arena, report->ctx, format, list);
    if (text == NULL) {
        report->status = MB_ERR_MEMORY;
        return;
    }
    element(out, open, text, "</p>\n");
}

void mb_report_paragraph(mb_report *report, const char *format, ...) {
    if (report != NULL) {
        va_list list;
        va_start(list, format);
        formatted(report, &report->body, "<p>", format, list);
        va_end(list);
    }
}

void mb_report_warning(mb_report *report, const char *format, ...) {
    if (report != NULL) {
        va_list list;
        va_start(list, format);
        formatted(report, &report->body, "<p class=\"warning\">", format, list);
        va_end(list);
    }
}

void mb_report_footer(mb_report *report, const char *format, ...) {
    if (report != NULL) {
        va_list list;
        va_start(list, format);
        formatted(report, &report->footer, "<p>", format, list);
        va_end(list);
    }
}

void mb_report_tiles(mb_report *report, const mb_report_tile *tiles, size_t n) {
    if (report == NULL) {
        return;
    }
    mb_buffer_text(&report->body, "<div class=\"tiles\">\n");
    for (size_t i = 0; i < n; i++) {
        element(&report->body, "<div class=\"tile\"><b>", tiles[i].value, "</b>");
        element(&report->body, "<span>", tiles[i].name, "</span>");
        if (tiles[i].note != NULL) {
            element(&report->body, "<small>", tiles[i].note, "</small>");
        }
        mb_buffer_text(&report->body, "</div>\n");
    }
    mb_buffer_text(&report->body, "</div>\n");
}

// Digits with what may stand around them: signs, points, percent, an error behind a plus-minus.
static bool is_number(const char *text) {
    if (text[strcspn(text, "0123456789")] == '\0') {
        return false;
    }
    const char *p = text;
    while (*p != '\0') {
        if (strncmp(p, "±", strlen("±")) == 0) {
            p += strlen("±");
        } else if (strchr("0123456789+-.,%eE ()", *p) != NULL) {
            p++;
        } else {
            return false;
        }
    }
    return true;
}

static bool is_number_column(
    const char *const *cells, size_t n_columns, size_t n_rows, size_t column) {
    size_t n_numbers = 0;
    for (size_t row = 0; row < n_rows; row++) {
        const char *cell = cells[row * n_columns + column];
        if (cell != NULL && cell[0] != '\0') {
            if (!is_number(cell)) {
                return false;
            }
            n_numbers++;
        }
    }
    return n_numbers > 0;
}

static void write_row(mb_buffer *out, const char *tag, const char *const *row,
    const bool *are_numbers, size_t n_columns) {
    mb_buffer_text(out, "<tr>");
    for (size_t i = 0; i < n_columns; i++) {
        mb_buffer_format(out, "<%s%s>", tag, are_numbers[i] ? " class=\"number\"" : "");
        escape(out, row[i] != NULL ? row[i] : "");
        mb_buffer_format(out, "</%s>", tag);
    }
    mb_buffer_text(out, "</tr>\n");
}

void mb_report_table(mb_report *report, const char *caption, const char *const *head,
    size_t n_columns, const char *const *cells, size_t n_rows) {
    if (report == NULL) {
        return;
    }
    mb_buffer *out = &report->body;
    bool *are_numbers =
        mb_arena_allocate(&report->arena, report->ctx, n_columns, sizeof *are_numbers);
    if (are_numbers == NULL) {
        report->status = MB_ERR_MEMORY;
        return;
    }
    for (size_t i = 0; i < n_columns; i++) {
        are_numbers[i] = is_number_column(cells, n_columns, n_rows, i);
    }
    mb_buffer_text(out, "<div class=\"scroll\"><table>");
    if (caption != NULL) {
        element(out, "<caption>", caption, "</caption>");
    }
    if (head != NULL) {
        mb_buffer_text(out, "<thead>");
        write_row(out, "th", head, are_numbers, n_columns);
        mb_buffer_text(out, "</thead>");
    }
    mb_buffer_text(out, "<tbody>\n");
    for (size_t row = 0; row < n_rows; row++) {
        write_row(out, "td", cells + row * n_columns, are_numbers, n_columns);
    }
    mb_buffer_text(out, "</tbody></table></div>\n");
}

static void write_base64(mb_buffer *out, const char *bytes, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        const size_t n = mb_min_size(3, length - i);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (k < n ? (unsigned char)bytes[i + k] : 0u);
        }
        char text[4];
        for (size_t k = 0; k < 4; k++) {
            text[k] = k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
        }
        mb_buffer_append(out, text, sizeof text);
    }
}

// The SVG goes in as an image, not as elements: its ids would clash with those of other pictures,
// and nothing in an image runs.
static mb_status write_picture(mb_report *report, const mb_gallery_entry *entry) {
    char *bytes = NULL;
    size_t length = 0;
    const char *type = entry->is_animated ? "gif" : "svg+xml";
    MB_TRY(
        mb_read_file(report->ctx, entry->is_animated ? entry->gif : entry->svg, &bytes, &length));
    if (!entry->is_animated && length > LARGEST_SVG && mb_path_exists(entry->png)) {
        mb_release(report->ctx, bytes);
        type = "png";
        MB_TRY(mb_read_file(report->ctx, entry->png, &bytes, &length));
    }
    element(&report->body, "<img alt=\"", entry->name, "\" ");
    mb_buffer_format(&report->body, "src=\"data:image/%s;base64,", type);
    write_base64(&report->body, bytes, length);
    mb_buffer_text(&report->body, "\">\n");
    mb_release(report->ctx, bytes);
    return MB_OK;
}

void mb_report_figure(mb_report *report, const mb_gallery_entry *entry) {
    if (report == NULL || entry == NULL) {
        return;
    }
    mb_buffer_text(&report->body, "<figure>\n");
    const bool is_there = entry->is_drawn && mb_path_exists(entry->svg);
    if (is_there) {
        const mb_status status = write_picture(report, entry);
        report->status = report->status != MB_OK ? report->status : status;
    }
    mb_buffer_text(&report->body, "<figcaption>");
    if (!is_there) {
        element(&report->body, "<b>Not drawn: ", entry->name,
            "</b> (gnuplot was not there; its script and data are in the plots folder). ");
    }
    element(&report->body, "", entry->caption, "</figcaption></figure>\n");
}

void mb_report_gallery(mb_report *report, const mb_gallery *gallery) {
    for (size_t i = 0; i < mb_gallery_count(gallery); i++) {
        mb_report_figure(report, mb_gallery_entry_at(gallery, i));
    }
}

void mb_report_preformatted(mb_report *report, const char *text) {
    if (report != NULL) {
        element(&report->body, "<pre>", text, "</pre>\n");
    }
}

void mb_report_details_begin(mb_report *report, const char *summary) {
    if (report != NULL) {
        report->n_open_details++;
        element(&report->body, "<details><summary>", summary, "</summary>\n");
    }
}

void mb_report_details_end(mb_report *report) {
    if (report != NULL && report->n_open_details > 0) {
        report->n_open_details--;
        mb_buffer_text(&report->body, "</details>\n");
    }
}

static void write_page(const mb_report *report, mb_buffer *page) {
    mb_buffer_text(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width\">\n"
                         "<meta name=\"color-scheme\" content=\"light dark\">\n");
    element(page, "<title>", report->title, "</title>\n<style>");
    mb_buffer_text(page, mb_report_style);
    mb_buffer_text(page, "</style>\n<script>");
    mb_buffer_text(page, mb_report_script);
    element(page, "</script>\n</head>\n<body>\n<header><h1>", report->title, "</h1>");
    element(page, "<p>", report->subtitle, "</p>\n<nav>");
    mb_buffer_append(page, report->contents.data, report->contents.length);
    mb_buffer_text(page, "</nav></header>\n<main>\n");
    mb_buffer_append(page, report->body.data, report->body.length);
    for (int i = 0; i < report->n_open_details; i++) {
        mb_buffer_text(page, "</details>\n");
    }
    mb_buffer_text(page, "</main>\n<footer>\n");
    mb_buffer_append(page, report->footer.data, report->footer.length);
    mb_buffer_text(page, "</footer>\n</body>\n</html>\n");
}

mb_status mb_report_write(mb_report *report, mb_context *ctx, const char *path) {
    if (report == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(report->status);
    MB_TRY(report->body.status);
    MB_TRY(report->contents.status);
    MB_TRY(report->footer.status);
    mb_buffer page;
    mb_buffer_init(&page, ctx);
    write_page(report, &page);
    const mb_status status = mb_write_buffer(&page, path);
    mb_buffer_clear(&page);
    return status;
}
