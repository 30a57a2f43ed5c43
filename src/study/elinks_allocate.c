// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

enum { MOST_TABLE_LINKS = 16 };

typedef struct allotment {
    bool is_wanted;
    const char *name, *key; // "signal", "links_signal"
    bool is_signal;
    uint64_t modules[MOST_TABLE_LINKS + 1]; // with 0 .. links; the last holds more
} allotment;

static mb_status pick(mb_context *ctx, const char *allocation, allotment *both) {
    both[0] = (allotment){.name = "signal", .key = "links_signal", .is_signal = true};
    both[1] = (allotment){.name = "pu", .key = "links_pu"};
    for (size_t i = 0; i < 2; i++) {
        both[i].is_wanted = allocation == NULL || strcmp(allocation, both[i].name) == 0;
    }
    return both[0].is_wanted || both[1].is_wanted
               ? MB_OK
               : mb_fail(ctx, MB_ERR_ARG, "allocation: '%s' is not known; take signal or pu",
                     allocation);
}

static mb_status tell_module(mb_context *ctx, const mb_chip_modules *modules, const char *name,
    const int at[3], const allotment *both, mb_answer *answer) {
    const mb_chip_module *module = mb_chip_module_find(modules, at[0], at[1], at[2]);
    if (module == NULL) {
        return mb_fail(ctx, MB_ERR_RANGE, "%s: no module %d,%d,%d; take LAYER,U,V of a row", name,
            at[0], at[1], at[2]);
    }
    mb_answer_put_text(answer, NULL, "type", module->type);
    mb_answer_put_text(answer, NULL, "density", module->is_high_density ? "HD" : "LD");
    for (size_t i = 0; i < 2; i++) {
        const unsigned links = mb_chip_module_links(module, both[i].is_signal);
        if (!both[i].is_wanted) {
            continue;
        }
        if (links == 0) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: module %d,%d,%d has no links in the %s allocation, it is not read out; take "
                "another",
                name, at[0], at[1], at[2], both[i].name);
        }
        mb_answer_put_int(answer, NULL, both[i].key, links);
        mb_answer_line(answer, "module %d,%d,%d (%s, %s): %u links, %s allocation", at[0], at[1],
            at[2], module->type, module->is_high_density ? "HD" : "LD", links, both[i].name);
    }
    return MB_OK;
}

static void tell_all(const mb_chip_modules *modules, allotment *both, mb_answer *answer) {
    mb_answer_put_int(answer, NULL, "modules", (int64_t)modules->n);
    for (size_t i = 0; i < 2; i++) {
        if (!both[i].is_wanted) {
            continue;
        }
        for (size_t k = 0; k < modules->n; k++) {
            const unsigned links = mb_chip_module_links(&modules->module[k], both[i].is_signal);
            both[i].modules[mb_min_size(links, MOST_TABLE_LINKS)]++;
        }
        mb_node *map = mb_answer_put_map(answer, NULL, both[i].key);
        mb_answer_line(answer, "%s allocation, modules by links:", both[i].name);
        for (size_t links = 0; links <= MOST_TABLE_LINKS; links++) {
            char key[8];
            if (both[i].modules[links] == 0) {
                continue;
            }
            mb_format(key, sizeof key, "%zu", links);
            mb_answer_put_int(answer, map, key, (int64_t)both[i].modules[links]);
            mb_answer_line(
                answer, "  %2zu  %6llu", links, (unsigned long long)both[i].modules[links]);
        }
    }
}

static mb_status write_all(
    mb_context *ctx, const mb_chip_modules *modules, const allotment *both, const char *output) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "Layer,ModU,ModV,HD_LD,ModType");
    for (size_t i = 0; i < 2; i++) {
        if (both[i].is_wanted) {
            mb_buffer_format(&text, ",%s", both[i].key);
        }
    }
    mb_csv_end_row(&text);
    for (size_t k = 0; k < modules->n; k++) {
        const mb_chip_module *m = &modules->module[k];
        mb_buffer_format(
            &text, "%d,%d,%d,%s", m->layer, m->u, m->v, m->is_high_density ? "HD" : "LD");
        mb_csv_put_text(&text, false, m->type);
        for (size_t i = 0; i < 2; i++) {
            if (both[i].is_wanted) {
                mb_csv_put_int64(&text, false, mb_chip_module_links(m, both[i].is_signal));
            }
        }
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, output);
}

mb_status mb_elinks_allocate(mb_context *ctx, const char *modules, const char *allocation,
    const char *module, const char *output, bool is_forced, mb_answer **out) {
    allotment both[2];
    int at[3] = {0, 0, 0};
    mb_chip_modules table;
    mb_answer *answer = NULL;
    MB_TRY(pick(ctx, allocation, both));
    if (module != NULL) {
        MB_TRY(mb_elinks_module_parse(ctx, module, at));
    }
    if (output != NULL) {
        MB_TRY(mb_check_absent(ctx, output, is_forced));
    }
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = mb_chip_modules_read(ctx, modules, &table);
    if (status == MB_OK && module != NULL) {
        status = tell_module(ctx, &table, modules, at, both, answer);
    } else if (status == MB_OK) {
        tell_all(&table, both, answer);
    }
    if (status == MB_OK && output != NULL) {
        status = write_all(ctx, &table, both, output);
    }
    mb_chip_modules_clear(&table);
    return mb_answer_finish(answer, status, out);
}
