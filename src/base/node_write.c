// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/node.h"

#include <math.h>

// A list of at most this many short scalars is written on one line.
enum { LONGEST_FLOW_LIST = 16, LONGEST_FLOW_TEXT = 24, YAML_STEP = 2 };

static void write_blanks(mb_buffer *buffer, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_buffer_append(buffer, " ", 1);
    }
}

// With a point or exponent, so that it reads back as a real; JSON and our YAML know no infinities.
static void write_real(mb_buffer *buffer, double value) {
    if (!isfinite(value)) {
        mb_buffer_text(buffer, "null");
        return;
    }
    const size_t start = buffer->length;
    mb_buffer_double(buffer, value);
    if (buffer->status == MB_OK && strpbrk(buffer->data + start, ".e") == NULL) {
        mb_buffer_text(buffer, ".0");
    }
}

static void write_plain_scalar(mb_buffer *buffer, const mb_node *node) {
    switch (node->kind) {
    case MB_NODE_BOOL:
        mb_buffer_text(buffer, node->boolean ? "true" : "false");
        break;
    case MB_NODE_INT:
        mb_buffer_format(buffer, "%lld", (long long)node->integer);
        break;
    case MB_NODE_REAL:
        write_real(buffer, node->real);
        break;
    default:
        mb_buffer_text(buffer, "null");
        break;
    }
}

static void write_line(mb_buffer *buffer, int indent, size_t level) {
    if (indent >= 0) {
        mb_buffer_append(buffer, "\n", 1);
        write_blanks(buffer, (size_t)indent * level);
    }
}

static void write_json(mb_buffer *buffer, const mb_node *node, int indent, size_t level) {
    if (node->kind == MB_NODE_TEXT) {
        mb_buffer_json_text(buffer, node->text);
        return;
    }
    if (mb_node_is_scalar(node)) {
        write_plain_scalar(buffer, node);
        return;
    }
    const bool is_map = node->kind == MB_NODE_MAP;
    mb_buffer_text(buffer, is_map ? "{" : "[");
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        write_line(buffer, indent, level + 1);
        if (is_map) {
            mb_buffer_json_text(buffer, child->key);
            mb_buffer_text(buffer, ": ");
        }
        write_json(buffer, child, indent, level + 1);
        if (child->next != NULL) {
            mb_buffer_text(buffer, indent >= 0 ? "," : ", ");
        }
    }
    if (node->first != NULL) {
        write_line(buffer, indent, level);
    }
    mb_buffer_text(buffer, is_map ? "}" : "]");
}

void mb_node_write_json(mb_buffer *buffer, const mb_node *node, int indent) {
    write_json(buffer, node, indent, 0);
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain_inside(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("_-./$+()=", c) != NULL);
}

// Words that YAML 1.2 or older readers take for something else than a text.
static bool is_reserved_word(const char *text) {
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", NULL};
    for (const char *const *word = words; *word != NULL; word++) {
        size_t i = 0;
        while (
            (*word)[i] != '\0' && (text[i] == (*word)[i] || text[i] + ('a' - 'A') == (*word)[i])) {
            i++;
        }
        if ((*word)[i] == '\0' && text[i] == '\0') {
            return true;
        }
    }
    return false;
}

// Deliberately narrow: a text that does not look like a plain word or path is quoted.
static bool is_plain_text(const char *text) {
    const char first = text[0];
    const bool is_path = (first == '.' && (text[1] == '/' || text[1] == '.')) || first == '/';
    if (!(is_letter(first) || first == '_' || first == '$' || is_path) || is_reserved_word(text)) {
        return false;
    }
    if (strncmp(text, "...", 3) == 0) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        const bool is_single_blank = *p == ' ' && p > text && p[-1] != ' ' && p[1] != '\0';
        if (!is_plain_inside(*p) && !is_single_blank) {
            return false;
        }
    }
    return true;
}

// The code point of a two- or three-byte UTF-8 sequence, 0 for anything else.
static unsigned code_point(const unsigned char *p, size_t *length) {
    if ((p[0] & 0xE0u) == 0xC0u && (p[1] & 0xC0u) == 0x80u) {
        *length = 2;
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if ((p[0] & 0xF0u) == 0xE0u && (p[1] & 0xC0u) == 0x80u && (p[2] & 0xC0u) == 0x80u) {
        *length = 3;
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    }
    *length = 1;
    return 0;
}

// What a YAML reader refuses or takes for a line break, even in quotes.
static bool is_unprintable(unsigned code) {
    return (code >= 0x80 && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF ||
           code == 0xFFFE || code == 0xFFFF;
}

static void write_quoted(mb_buffer *buffer, const char *text) {
    mb_buffer_append(buffer, "\"", 1);
    const char *p = text;
    while (*p != '\0') {
        const unsigned char c = (unsigned char)*p;
        size_t length = 1;
        const unsigned code = code_point((const unsigned char *)p, &length);
        if (is_unprintable(code)) {
            mb_buffer_format(buffer, "\\u%04X", code);
        } else if (c == '"' || c == '\\') {
            mb_buffer_format(buffer, "\\%c", *p);
        } else if (c == '\n') {
            mb_buffer_text(buffer, "\\n");
        } else if (c < 0x20 || c == 0x7F) {
            mb_buffer_format(buffer, "\\x%02X", c);
        } else {
            mb_buffer_append(buffer, p, length);
        }
        p += length;
    }
    mb_buffer_append(buffer, "\"", 1);
}

static void write_yaml_text(mb_buffer *buffer, const char *text) {
    if (is_plain_text(text)) {
        mb_buffer_text(buffer, text);
    } else {
        write_quoted(buffer, text);
    }
}

static void write_yaml_scalar(mb_buffer *buffer, const mb_node *node) {
    if (node->kind == MB_NODE_TEXT) {
        write_yaml_text(buffer, node->text);
    } else if (node->kind == MB_NODE_REAL && isfinite(node->real) && node->text != NULL &&
               strpbrk(node->text, ".eE") != NULL) {
        mb_buffer_text(buffer, node->text);
    } else {
        write_plain_scalar(buffer, node);
    }
}

static bool is_on_one_line(const mb_node *node) {
    if (mb_node_is_scalar(node) || node->n_children == 0) {
        return true;
    }
    if (node->kind == MB_NODE_MAP || node->n_children > LONGEST_FLOW_LIST) {
        return false;
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        const char *text = mb_node_text(child);
        if (!mb_node_is_scalar(child) || (text != NULL && strlen(text) > LONGEST_FLOW_TEXT)) {
            return false;
        }
    }
    return true;
}

static void write_yaml_line(mb_buffer *buffer, const mb_node *node) {
    if (mb_node_is_scalar(node)) {
        write_yaml_scalar(buffer, node);
        return;
    }
    mb_buffer_text(buffer, node->kind == MB_NODE_MAP ? "{" : "[");
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        write_yaml_scalar(buffer, child);
        if (child->next != NULL) {
            mb_buffer_text(buffer, ", ");
        }
    }
    mb_buffer_text(buffer, node->kind == MB_NODE_MAP ? "}" : "]");
}

// The first member starts where the cursor is (after "- "), the others at indent.
static void write_yaml_block(mb_buffer *buffer, const mb_node *node, size_t indent) {
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first) {
            write_blanks(buffer, indent);
        }
        if (node->kind == MB_NODE_LIST) {
            mb_buffer_text(buffer, "- ");
        } else {
            write_yaml_text(buffer, child->key);
            mb_buffer_text(buffer, ":");
        }
        if (is_on_one_line(child)) {
            mb_buffer_text(buffer, node->kind == MB_NODE_MAP ? " " : "");
            write_yaml_line(buffer, child);
            mb_buffer_text(buffer, "\n");
            continue;
        }
        if (node->kind == MB_NODE_MAP) {
            mb_buffer_text(buffer, "\n");
            write_blanks(buffer, indent + YAML_STEP);
        }
        write_yaml_block(buffer, child, indent + YAML_STEP);
    }
}

void mb_node_write_yaml(mb_buffer *buffer, const mb_node *node) {
    if (is_on_one_line(node)) {
        write_yaml_line(buffer, node);
        mb_buffer_text(buffer, "\n");
        return;
    }
    write_yaml_block(buffer, node, 0);
}
