// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/alternate.h"

#include "files/yaml.h"
#include "study/open.h"

typedef struct alternate_options {
    const char *name, *study, *teacher;
    mb_texts students;
    size_t events;
    const mb_node *alternate, *outliers, *train;
    int target;
} alternate_options;

#define FIELD(name) offsetof(alternate_options, name)

static const char *const target_names[] = {"log_mse", "mse", "log1p_mse", NULL};

const mb_option mb_alternate_option_table[] = {
    {"name", MB_OPTION_TEXT, FIELD(name), "", 0, 0, NULL, NULL, "of the fit"},
    {"study", MB_OPTION_TEXT, FIELD(study), "", 0, 0, NULL, NULL,
        "the shipped study whose keys hold where none is written here"},
    {"teacher", MB_OPTION_TEXT, FIELD(teacher), "teacher", 0, 0, NULL, NULL,
        "model that reconstructs the events"},
    {"students", MB_OPTION_TEXTS, FIELD(students), "", 0, 0, NULL, NULL,
        "models that learn the teacher's error"},
    {"events", MB_OPTION_SIZE, FIELD(events), "0", 0, 1e9, NULL, NULL,
        "background events set aside for it; 0: those of the study's own split"},
    {"target", MB_OPTION_CHOICE, FIELD(target), "log_mse", 0, 0, target_names, NULL,
        "what students learn: 32 ln(MSE) in steps of 1/256, the MSE, or ln(MSE + 1)"},
    {"alternate", MB_OPTION_NODE, FIELD(alternate), "", 0, 0, NULL, NULL,
        "the turns: rounds, teacher_epochs, student_epochs, drop_remainder"},
    {"outliers", MB_OPTION_NODE, FIELD(outliers), "", 0, 0, NULL, NULL,
        "files of events that only the students see: {train: FILE, validation: FILE}"},
    {"train", MB_OPTION_NODE, FIELD(train), "", 0, 0, NULL, NULL,
        "how to train each: {teacher: {batch: 512}, student: {batch: 1024}}"},
    MB_OPTIONS_END};

#undef FIELD
#define FIELD(name) offsetof(mb_alternate, name)

const mb_option mb_alternate_turn_table[] = {
    {"rounds", MB_OPTION_SIZE, FIELD(rounds), "100", 1, 1e6, NULL, NULL, "turns"},
    {"teacher_epochs", MB_OPTION_SIZE, FIELD(teacher_epochs), "1", 0, 1e6, NULL, NULL,
        "epochs of the teacher in each turn"},
    {"student_epochs", MB_OPTION_SIZE, FIELD(student_epochs), "10", 0, 1e6, NULL, NULL,
        "epochs of each student in each turn"},
    {"drop_remainder", MB_OPTION_BOOL, FIELD(drop_remainder), "true", 0, 0, NULL, NULL,
        "leave out a last batch that is not full"},
    MB_OPTIONS_END};

static const mb_option outlier_table[] = {
    {"train", MB_OPTION_TEXT, FIELD(outliers_train), "", 0, 0, NULL, NULL,
        "region file added to the students' training events"},
    {"validation", MB_OPTION_TEXT, FIELD(outliers_validation), "", 0, 0, NULL, NULL,
        "region file added to their validation events"},
    MB_OPTIONS_END};

typedef struct train_nodes {
    const mb_node *teacher, *student, *validation;
} train_nodes;

static const mb_option train_table[] = {{"teacher", MB_OPTION_NODE, offsetof(train_nodes, teacher),
                                            "", 0, 0, NULL, NULL, "keys of train: for the teacher"},
    {"student", MB_OPTION_NODE, offsetof(train_nodes, student), "", 0, 0, NULL, NULL,
        "keys of train: for the students"},
    {"validation", MB_OPTION_NODE, offsetof(train_nodes, validation), "", 0, 0, NULL, NULL,
        "part kept for validation"},
    MB_OPTIONS_END};

static const char teacher_train[] = "{loss: mse, optimizer: {adam: {}}, batch: 512}";
static const char student_train[] = "{loss: mae, optimizer: {adam: {}}, batch: 1024}";

bool mb_alternate_is_entry(const mb_node *entry) {
    return mb_node_find(entry, "alternate") != NULL || mb_node_find(entry, "students") != NULL ||
           mb_node_find(entry, "study") != NULL;
}

// Members of from that to lacks.
static mb_status add_missing(
    mb_context *ctx, mb_document *document, mb_node *to, const mb_node *from) {
    for (const mb_node *member = from != NULL ? from->first : NULL; member != NULL;
         member = member->next) {
        if (mb_node_find(to, member->key) == NULL) {
            mb_node *copy = mb_node_copy(document, ctx, member);
            if (copy == NULL) {
                return MB_ERR_MEMORY;
            }
            MB_TRY(mb_node_set(document, ctx, to, member->key, copy));
        }
    }
    return MB_OK;
}

// The keys of the shipped study that the entry names, where it has none of its own.
static mb_status take_shipped(mb_context *ctx, mb_study *study, mb_node *entry) {
    static const char *const keys[] = {
        "teacher", "students", "outliers", "target", "alternate", "train"};
    const mb_node *at = mb_node_find(entry, "study");
    const char *name = mb_node_text(at);
    const char *text = name != NULL ? mb_shipped_study_text(name) : NULL;
    if (text == NULL) {
        return mb_fail_at(ctx, &study->document, at,
            "fits: no study '%.60s' comes with the program; write cicada-train",
            name != NULL ? name : "");
    }
    mb_node *root = NULL;
    MB_TRY(mb_yaml_parse_node(ctx, &study->document, name, text, strlen(text), &root));
    for (size_t i = 0; i < MB_COUNT_OF(keys); i++) {
        const mb_node *usual = mb_node_find(root, keys[i]);
        mb_node *own = mb_node_find(entry, keys[i]);
        if (usual != NULL && own == NULL) {
            mb_node *copy = mb_node_copy(&study->document, ctx, usual);
            if (copy == NULL) {
                return MB_ERR_MEMORY;
            }
            MB_TRY(mb_node_set(&study->document, ctx, entry, keys[i], copy));
        } else if (usual != NULL && own->kind == MB_NODE_MAP && usual->kind == MB_NODE_MAP) {
            MB_TRY(add_missing(ctx, &study->document, own, usual));
        }
    }
    mb_node_remove(entry, "study");
    return MB_OK;
}

// Keys of train: that say what alternate: and train.validation say here.
static mb_status refuse_keys(
    mb_context *ctx, const mb_document *document, const mb_node *map, const char *key) {
    static const struct {
        const char *key, *instead;
    } refused[] = {{"epochs", "teacher_epochs and student_epochs of alternate:"},
        {"validation", "train: {validation: ...}, which is for all of them"},
        {"drop_last", "drop_remainder of alternate:"},
        {"jobs", "nothing: students train at the same time anyway"},
        {"repeats", "another seed for a run of its own"}, {"folds", "train: {validation: ...}"},
        {"weights_dir", "the path of a model in models:, which is then not trained"}};
    for (size_t i = 0; i < MB_COUNT_OF(refused); i++) {
        const mb_node *found = mb_node_find(map, refused[i].key);
        if (found != NULL) {
            return mb_fail_at(ctx, document, found,
                "train.%s: %s is not for a teacher and its students; write %s", key, refused[i].key,
                refused[i].instead);
        }
    }
    return MB_OK;
}

// One of the two `train:` maps over the usual values of its kind.
static mb_status read_train(mb_context *ctx, mb_study *study, mb_node *owner, const char *key,
    const char *usual, mb_train *out) {
    mb_document *document = &study->document;
    mb_node *own = mb_node_find(owner, key);
    mb_node *defaults = NULL;
    MB_TRY(mb_yaml_parse_node(ctx, document, key, usual, strlen(usual), &defaults));
    mb_node *map =
        own != NULL ? mb_node_copy(document, ctx, own) : mb_node_make(document, ctx, MB_NODE_MAP);
    if (map == NULL) {
        return MB_ERR_MEMORY;
    }
    if (map->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, document, own, "train: %s is not a map of keys of train:", key);
    }
    MB_TRY(refuse_keys(ctx, document, map, key));
    MB_TRY(add_missing(ctx, document, map, defaults));
    MB_TRY(mb_train_read(ctx, document, map, out));
    return mb_node_set(document, ctx, owner, key, map);
}

static mb_status read_trains(
    mb_context *ctx, mb_study *study, mb_node *entry, const mb_node *written, mb_alternate *out) {
    mb_document *document = &study->document;
    train_nodes nodes;
    MB_TRY(mb_options_parse(ctx, document, train_table, written, "train", NULL, &nodes));
    mb_node *map = mb_node_find(entry, "train");
    if (map == NULL) {
        map = mb_node_make(document, ctx, MB_NODE_MAP);
        if (map == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_node_set(document, ctx, entry, "train", map));
    }
    if (nodes.validation != NULL) {
        MB_TRY(mb_part_read(ctx, document, nodes.validation, "train.validation", &out->validation));
    } else {
        out->validation = (mb_part){1.0 / 6.0, MB_TAKE_RANDOM};
        MB_TRY(mb_node_set(
            document, ctx, map, "validation", mb_part_to_node(ctx, document, &out->validation)));
    }
    MB_TRY(read_train(ctx, study, map, "teacher", teacher_train, &out->teacher_train));
    return read_train(ctx, study, map, "student", student_train, &out->student_train);
}

// Students with layers are trained, those with a file or firmware are taken as they are.
static mb_status find_students(mb_context *ctx, mb_study *study, const mb_node *entry,
    const alternate_options *options, mb_alternate *out) {
    if (options->students.n == 0) {
        return mb_fail_at(ctx, &study->document, entry,
            "students: there is none; name one or more of models:, such as [cicada_v1, cicada_v2]");
    }
    out->students =
        mb_arena_allocate(&study->document.arena, ctx, options->students.n, sizeof *out->students);
    if (out->students == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < options->students.n; i++) {
        mb_node *model = NULL;
        MB_TRY(mb_study_find_model(ctx, study, entry, options->students.value[i], &model));
        if (mb_node_find(model, "layers") != NULL) {
            out->students[out->n_students++] =
                (mb_alternate_student){options->students.value[i], model};
        }
    }
    return mb_study_find_model(ctx, study, entry, options->teacher, &out->teacher_model);
}

static mb_status read_outliers(mb_context *ctx, mb_study *study, mb_alternate *out) {
    const char **paths[] = {&out->outliers_train, &out->outliers_validation};
    for (size_t i = 0; i < MB_COUNT_OF(paths); i++) {
        if (*paths[i] != NULL) {
            *paths[i] = mb_study_absolute(ctx, &study->document, study->data_directory, *paths[i]);
            if (*paths[i] == NULL) {
                return MB_ERR_MEMORY;
            }
        }
    }
    return MB_OK;
}

mb_status mb_alternate_read(mb_context *ctx, mb_study *study, mb_node *entry) {
    mb_document *document = &study->document;
    const bool is_listed = entry != document->root;
    if (study->alternate != NULL) {
        return mb_fail_at(ctx, document, entry,
            "fits: there is a second fit of a teacher and students; one a study is offered");
    }
    if (is_listed && mb_node_find(entry, "study") != NULL) {
        MB_TRY(take_shipped(ctx, study, entry));
    }
    static const char *const other_keys[] = {"version", "seed", "compat", "simulate", "data",
        "params", "model", "models", "fits", "evaluate", "scan", "quantize", NULL};
    alternate_options options;
    MB_TRY(mb_options_parse(ctx, document, mb_alternate_option_table, entry,
        is_listed ? "fits" : "study", is_listed ? NULL : other_keys, &options));
    mb_alternate *out = mb_arena_allocate(&document->arena, ctx, 1, sizeof *out);
    if (out == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_options_parse(
        ctx, document, mb_alternate_turn_table, options.alternate, "alternate", NULL, out));
    mb_alternate outliers = {0};
    MB_TRY(mb_options_parse(
        ctx, document, outlier_table, options.outliers, "outliers", NULL, &outliers));
    out->outliers_train = outliers.outliers_train;
    out->outliers_validation = outliers.outliers_validation;
    out->name = is_listed && options.name != NULL ? options.name : "";
    out->teacher = options.teacher;
    out->events = options.events;
    out->target = (mb_alternate_target)options.target;
    mb_node *turns = mb_options_to_node(ctx, document, mb_alternate_turn_table, out, true);
    if (turns == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_node_set(document, ctx, entry, "alternate", turns));
    MB_TRY(read_outliers(ctx, study, out));
    MB_TRY(find_students(ctx, study, entry, &options, out));
    MB_TRY(read_trains(ctx, study, entry, options.train, out));
    study->alternate = out;
    return MB_OK;
}
