// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ALTERNATE_H
#define STUDY_ALTERNATE_H

#include "study/study.h"

// A fit of several networks in turns: a teacher (autoencoder) learns to reconstruct the events,
// students learn its error. It is the whole of a study (keys teacher:, students: ... at its top),
// or one entry of fits: with the same keys, where `study: cicada-train` stands for those of a
// shipped study.

typedef enum mb_alternate_target {
    MB_ALTERNATE_LOG_MSE,   // 32 ln(MSE), to 1/256 in 0 .. 255.99609375; MSE <= 1: 0
    MB_ALTERNATE_MSE,       // as it is
    MB_ALTERNATE_LOG1P_MSE, // ln(MSE + 1)
} mb_alternate_target;

typedef struct mb_alternate_student {
    const char *name; // also of its folder below fits/
    mb_node *model;   // {layers: ...}
} mb_alternate_student;

typedef struct mb_alternate {
    const char *name;       // of the entry of fits:, or "" for the whole study
    const char *teacher;    // name of the model, also of its folder below fits/
    mb_node *teacher_model; // {layers: ...}, or a text: a trained one, which stays as it is
    mb_alternate_student *students;
    size_t n_students; // to be trained; those with a file or firmware are not among them
    size_t events;     // set aside for it (the data's set "aside"); 0: the study's own split
    size_t rounds, teacher_epochs, student_epochs;
    bool drop_remainder;
    mb_part validation; // of the events that are not for testing
    mb_alternate_target target;
    const char *outliers_train, *outliers_validation; // paths, NULL: none
    mb_train teacher_train, student_train;
} mb_alternate;

extern const mb_option mb_alternate_option_table[];
extern const mb_option mb_alternate_turn_table[]; // of `alternate:`

// Whether an entry of fits:, or the study's root, is of this kind.
bool mb_alternate_is_entry(const mb_node *entry);
// Reads it into study->alternate, with its defaults written out. models: are read already.
mb_status mb_alternate_read(mb_context *ctx, mb_study *study, mb_node *entry) MB_MUST_CHECK;

#endif
