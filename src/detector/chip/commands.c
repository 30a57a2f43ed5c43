// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/chip/commands.h"

#include "base/numbers.h"
#include "files/lines.h"

typedef struct command_form {
    const char *name, *arguments;
    mb_chip_command_kind kind;
    size_t n_arguments;
    uint64_t most[2];
} command_form;

static const command_form forms[] = {
    {"BCR", "", MB_CHIP_BCR, 0, {0, 0}},
    {"LINKRESETROCT", "", MB_CHIP_LINKRESETROCT, 0, {0, 0}},
    {"LINKRESETECONT", "", MB_CHIP_LINKRESETECONT, 0, {0, 0}},
    {"LINKRESET", "", MB_CHIP_LINKRESET, 0, {0, 0}},
    {"OFFSET", " port bits", MB_CHIP_OFFSET, 2, {MB_CHIP_PORTS - 1, 31}},
    {"FIXEDPATTERN", " crossings word", MB_CHIP_FIXEDPATTERN, 2, {UINT32_MAX, MB_CHIP_PORT_MOST}},
};

enum { MOST_WORDS = 6, MOST_ORBIT = 1 << 30 };

typedef struct word {
    const char *text;
    size_t length;
} word;

static size_t split(char *text, word *words) {
    size_t n = 0;
    char *comment = strchr(text, '#');
    if (comment != NULL) {
        *comment = '\0';
    }
    for (const char *p = text + strspn(text, " \t"); *p != '\0' && n < MOST_WORDS;) {
        words[n].text = p;
        words[n].length = strcspn(p, " \t");
        p += words[n].length;
        p += strspn(p, " \t");
        n++;
    }
    return n;
}

static bool is_named(const word *w, const char *name) {
    for (size_t i = 0; i < w->length; i++) {
        const char c =
            w->text[i] >= 'a' && w->text[i] <= 'z' ? (char)(w->text[i] - 'a' + 'A') : w->text[i];
        if (c != name[i]) {
            return false;
        }
    }
    return name[w->length] == '\0';
}

static bool read_number(const word *w, uint64_t *out) {
    static const char digits[] = "0123456789abcdefABCDEF";
    if (w->length > 2 && w->text[0] == '0' && w->text[1] == 'x') {
        *out = 0;
        for (size_t i = 2; i < w->length; i++) {
            const char *digit = strchr(digits, w->text[i]);
            if (digit == NULL || w->length > 18) {
                return false;
            }
            const size_t value = (size_t)(digit - digits);
            *out = *out << 4 | (value < 16 ? value : value - 6);
        }
        return true;
    }
    return mb_parse_uint64(w->text, w->text + w->length, out) == w->text + w->length;
}

static mb_status find_form(const mb_lines *lines, const word *w, const command_form **out) {
    for (size_t i = 0; i < MB_COUNT_OF(forms); i++) {
        if (is_named(w, forms[i].name)) {
            *out = &forms[i];
            return MB_OK;
        }
    }
    return mb_lines_fail(lines,
        "'%.*s' is no command; take one of BCR, LINKRESETROCT, LINKRESETECONT, LINKRESET, OFFSET, "
        "FIXEDPATTERN",
        (int)mb_min_size(w->length, 40), w->text);
}

static mb_status read_command(
    const mb_lines *lines, const word *words, size_t n, mb_chip_command *out) {
    const command_form *form = NULL;
    uint64_t orbit = 0;
    uint64_t bucket = 0;
    if (n < 3 || !read_number(&words[0], &orbit) || !read_number(&words[1], &bucket)) {
        return mb_lines_fail(lines, "a command is written 'orbit bucket COMMAND [arguments]'");
    }
    if (orbit > MOST_ORBIT || bucket >= MB_CHIP_ORBIT) {
        return mb_lines_fail(lines, "orbit %llu, bucket %llu; buckets go from 0 to %d",
            (unsigned long long)orbit, (unsigned long long)bucket, MB_CHIP_ORBIT - 1);
    }
    MB_TRY(find_form(lines, &words[2], &form));
    if (n - 3 != form->n_arguments) {
        return mb_lines_fail(lines, "write 'orbit bucket %s%s'", form->name, form->arguments);
    }
    uint64_t arguments[2] = {0, 0};
    for (size_t i = 0; i < form->n_arguments; i++) {
        const word *w = &words[3 + i];
        if (!read_number(w, &arguments[i]) || arguments[i] > form->most[i]) {
            return mb_lines_fail(lines, "'%.*s' of %s%s is no number 0 .. %llu",
                (int)mb_min_size(w->length, 40), w->text, form->name, form->arguments,
                (unsigned long long)form->most[i]);
        }
    }
    *out = (mb_chip_command){.crossing = orbit * MB_CHIP_ORBIT + bucket,
        .kind = form->kind,
        .first = arguments[0],
        .second = arguments[1]};
    return MB_OK;
}

static mb_status read_all(mb_lines *lines, mb_chip_commands *out) {
    for (;;) {
        char *text = NULL;
        size_t length = 0;
        word words[MOST_WORDS];
        MB_TRY(mb_lines_next(lines, &text, &length));
        if (text == NULL) {
            return MB_OK;
        }
        if (strlen(text) != length) {
            return mb_lines_fail(lines, "a zero byte; this is not a text file");
        }
        const size_t n = split(text, words);
        if (n == 0) {
            continue;
        }
        mb_chip_command command;
        MB_TRY(read_command(lines, words, n, &command));
        if (out->n > 0 && command.crossing < out->command[out->n - 1].crossing) {
            return mb_lines_fail(
                lines, "time goes backwards; put the commands in the order of orbits and buckets");
        }
        MB_TRY(mb_grow(out->ctx, &out->command, &out->capacity, out->n + 1, sizeof *out->command));
        out->command[out->n++] = command;
    }
}

static mb_status finish(mb_lines *lines, mb_status opened, mb_chip_commands *out) {
    const mb_status status = opened == MB_OK ? read_all(lines, out) : opened;
    mb_lines_close(lines);
    return status;
}

mb_status mb_chip_commands_read(mb_context *ctx, const char *path, mb_chip_commands *out) {
    mb_lines lines;
    *out = (mb_chip_commands){.ctx = ctx};
    const mb_status opened = mb_lines_open(&lines, ctx, path);
    return finish(&lines, opened, out);
}

mb_status mb_chip_commands_parse(
    mb_context *ctx, const char *name, const char *text, size_t length, mb_chip_commands *out) {
    mb_lines lines;
    *out = (mb_chip_commands){.ctx = ctx};
    const mb_status opened = mb_lines_open_text(&lines, ctx, name, text, length);
    return finish(&lines, opened, out);
}

void mb_chip_commands_clear(mb_chip_commands *commands) {
    if (commands->ctx != NULL) {
        mb_release(commands->ctx, commands->command);
    }
    *commands = (mb_chip_commands){.ctx = NULL};
}

void mb_chip_clock_init(mb_chip_clock *clock, const mb_chip_commands *commands, uint64_t crossing) {
    *clock = (mb_chip_clock){.commands = commands, .crossing = crossing};
    clock->bucket = (unsigned)(crossing % MB_CHIP_ORBIT);
    while (commands != NULL && clock->next < commands->n &&
           commands->command[clock->next].crossing < crossing) {
        clock->next++;
    }
}

static void obey(mb_chip_clock *clock, const mb_chip_command *command) {
    const bool is_both = command->kind == MB_CHIP_LINKRESET;
    if (command->kind == MB_CHIP_BCR) {
        clock->bucket = 0;
    }
    if (command->kind == MB_CHIP_LINKRESETROCT || is_both) {
        clock->n_ports_reset = MB_CHIP_RESET_CROSSINGS;
        memset(clock->offset, 0, sizeof clock->offset);
    }
    if (command->kind == MB_CHIP_LINKRESETECONT || is_both) {
        clock->n_sync = MB_CHIP_RESET_CROSSINGS;
    }
    if (command->kind == MB_CHIP_OFFSET) {
        clock->offset[command->first] = (unsigned)command->second;
    }
    if (command->kind == MB_CHIP_FIXEDPATTERN) {
        clock->n_pattern = (unsigned)command->first;
        clock->pattern = (uint32_t)command->second;
    }
}

// On the wire a word has four bits more in front: 9 at bucket 0, else 10.
static void receive(mb_chip_clock *clock, uint32_t *words) {
    const uint32_t front = clock->bucket == 0 ? 0x90000000U : 0xa0000000U;
    for (unsigned p = 0; p < MB_CHIP_PORTS; p++) {
        const uint32_t now = front | (clock->n_pattern > 0 ? clock->pattern : words[p]);
        const uint64_t wire = (uint64_t)clock->before[p] << 32 | now;
        clock->before[p] = now;
        words[p] =
            clock->n_ports_reset > 0 ? 0 : (uint32_t)(wire >> clock->offset[p]) & MB_CHIP_PORT_MOST;
    }
}

static unsigned less_one(unsigned n) {
    return n > 0 ? n - 1 : 0;
}

void mb_chip_clock_step(mb_chip_clock *clock, uint32_t *words, unsigned *bucket, bool *is_sync) {
    const mb_chip_commands *commands = clock->commands;
    while (commands != NULL && clock->next < commands->n &&
           commands->command[clock->next].crossing <= clock->crossing) {
        obey(clock, &commands->command[clock->next++]);
    }
    receive(clock, words);
    *bucket = clock->bucket;
    *is_sync = clock->n_sync > 0;
    clock->n_ports_reset = less_one(clock->n_ports_reset);
    clock->n_sync = less_one(clock->n_sync);
    clock->n_pattern = less_one(clock->n_pattern);
    clock->bucket = (clock->bucket + 1) % MB_CHIP_ORBIT;
    clock->crossing++;
}
