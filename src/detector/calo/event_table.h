// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_EVENT_TABLE_H
#define DETECTOR_CALO_EVENT_TABLE_H

#include "files/lines.h"

// A table with a header whose rows belong to events: the column "event" is a whole number that
// never falls, the other columns are numbers. Read row by row. A row whose other fields are all
// empty says that the event has nothing.

enum { MB_EVENT_TABLE_MOST = 8, MB_EVENT_TABLE_MOST_FIELDS = 256 };

typedef struct mb_event_table {
    mb_lines lines;
    const char *const *names; // of the columns that are wanted, "event" not among them
    size_t n_names;
    bool has[MB_EVENT_TABLE_MOST]; // the table has the column
    size_t n_fields;
    int wanted[MB_EVENT_TABLE_MOST_FIELDS]; // of each field its name's index, EVENT or IGNORED
    bool has_row; // the members below are of a row; false behind the last one
    int64_t event;
    bool is_blank;                     // the event has nothing
    double value[MB_EVENT_TABLE_MOST]; // of each name that the table has
} mb_event_table;

// Opens and reads the header. Columns n_required .. n_names may lack, others are left out. The
// caller closes it, also after a failure. Fails with IO, FORMAT ("file:line: ...").
mb_status mb_event_table_open(mb_event_table *table, mb_context *ctx, const char *path,
    const char *const *names, size_t n_required, size_t n_names) MB_MUST_CHECK;
// The same from memory.
mb_status mb_event_table_open_text(mb_event_table *table, mb_context *ctx, const char *name,
    const char *text, size_t length, const char *const *names, size_t n_required,
    size_t n_names) MB_MUST_CHECK;
// Goes on to the next row.
mb_status mb_event_table_next(mb_event_table *table) MB_MUST_CHECK;
void mb_event_table_close(mb_event_table *table);

#endif
