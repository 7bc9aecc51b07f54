// A reward in another program, in any language: questions and answers are lines of JSON (docs/rewards.md).
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "reward/child.h"
#include "reward/reply.h"

struct process {
    char *command;
    double timeout;
    int64_t restarts, max_line;
    bool check;
    struct child child;
    int64_t restarted;
    bool broken; // it failed, and may not be started again
    uint64_t id; // of the next question
    char name[REWARD_NAME_SIZE];
};

static const struct reward_option options[] = {
    {"command", REWARD_TEXT, NULL, 0, 0, NULL, "what /bin/sh runs", offsetof(struct process, command)},
    {"timeout", REWARD_NUMBER, "60", 0.01, 1e6, NULL, "seconds for each answer",
     offsetof(struct process, timeout)},
    {"restarts", REWARD_INTEGER, "0", 0, 1e6, NULL,
     "how often in a run it is started again, and asked again, after it ended or was too slow",
     offsetof(struct process, restarts)},
    {"max_line", REWARD_INTEGER, "16777216", 64, 1e9, NULL, "bytes of an answer",
     offsetof(struct process, max_line)},
    {"check", REWARD_FLAG, "true", 0, 0, NULL, "ask it of no completions at all before the run begins",
     offsetof(struct process, check)},
    {0},
};

// ---- questions ------------------------------------------------------------------------------------------

static json_t *text_of(const char *text, size_t length) {
    struct buffer valid = {0};
    utf8_add_valid(&valid, text, length);
    json_t *value = valid.failed ? NULL : json_stringn_nocheck(valid.data ? valid.data : "", valid.length);
    buffer_free(&valid);
    return value;
}

static json_t *ids_of(const struct reward_completion *completion) {
    if (!completion->ids) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < completion->id_count; i++)
        json_array_append_new(list, json_integer(completion->ids[i]));
    return list;
}

static json_t *column_of(const struct reward_batch *batch, const char *key) {
    json_t *list = json_array();
    for (size_t i = 0; i < batch->count; i++) {
        json_t *value = json_object_get(batch->completions[i].row, key);
        json_array_append_new(list, value ? json_incref(value) : json_null());
    }
    return list;
}

// Every column of the rows, one value for each completion; our own fields stand before columns of their names.
static void add_columns(json_t *question, const struct reward_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        const json_t *row = batch->completions[i].row;
        const char *key;
        json_t *value;
        if (!row || (i && row == batch->completions[i - 1].row)) continue;
        json_object_foreach((json_t *)(uintptr_t)row, key, value) {
            if (!json_object_get(question, key)) json_object_set_new(question, key, column_of(batch, key));
        }
    }
}

static char *write_question(const struct process *own, const struct reward_batch *batch, size_t *length,
                            struct error *error) {
    json_t *question = json_object(), *prompts = json_array(), *completions = json_array(),
           *ids = json_array(), *cut = json_array();
    for (size_t i = 0; i < batch->count; i++) {
        const struct reward_completion *one = &batch->completions[i];
        json_array_append_new(prompts, one->prompt ? text_of(one->prompt, strlen(one->prompt)) : json_null());
        json_array_append_new(completions, text_of(one->text, one->length));
        json_array_append_new(ids, ids_of(one));
        json_array_append_new(cut, json_boolean(one->cut));
    }
    bool fits = json_array_size(completions) == batch->count && json_array_size(prompts) == batch->count &&
                json_array_size(ids) == batch->count && json_array_size(cut) == batch->count;
    json_object_set_new(question, "version", json_integer(1));
    json_object_set_new(question, "id", json_integer((json_int_t)own->id));
    json_object_set_new(question, "step", json_integer((json_int_t)batch->step));
    json_object_set_new(question, "prompts", prompts);
    json_object_set_new(question, "completions", completions);
    json_object_set_new(question, "completion_ids", ids);
    json_object_set_new(question, "truncated", cut);
    add_columns(question, batch);
    char *line = fits ? json_dumps(question, JSON_COMPACT) : NULL, *whole = NULL;
    json_decref(question);
    *length = line ? strlen(line) + 1 : 0;
    if (line) whole = memory_grow(line, *length + 1, 1, "question", error);
    if (!whole) {
        free(line);
        error_set(error, ERROR_MEMORY, "no memory for its question");
        return NULL;
    }
    whole[*length - 1] = '\n';
    whole[*length] = 0;
    return whole;
}

// ---- asking ---------------------------------------------------------------------------------------------

static int ask_once(struct process *own, const char *question, size_t length,
                    const struct reward_batch *batch, double *values, struct reward_failures *failures,
                    struct error *error) {
    if (!own->child.pid && child_start(&own->child, own->command, error)) return -1;
    if (child_ask(&own->child, question, length, own->timeout, (size_t)own->max_line, error)) return -1;
    return reward_reply_read(own->child.answer.data, own->child.answer.length, own->id, batch->count, values,
                             failures, error);
}

// What ended or was too slow may be tried again; what lies would lie again, and is stopped.
static int ask(struct process *own, const struct reward_batch *batch, double *values,
               struct reward_failures *failures, struct error *error) {
    size_t length = 0;
    if (own->broken)
        return error_set(error, ERROR_NETWORK, "\"%.100s\" failed before and is not started again",
                         own->command);
    char *question = write_question(own, batch, &length, error);
    if (!question) return -1;
    int result = ask_once(own, question, length, batch, values, failures, error);
    while (result && error->code == ERROR_NETWORK && own->restarted < own->restarts) {
        log_warning("the reward %s: \"%.100s\": %s; it is started again (%lld of %lld)", own->name,
                    own->command, error->message, (long long)own->restarted + 1, (long long)own->restarts);
        child_stop(&own->child, 0);
        own->restarted++;
        *error = (struct error){0};
        result = ask_once(own, question, length, batch, values, failures, error);
    }
    free(question);
    own->id++;
    if (result == 0) return 0;
    child_stop(&own->child, 0);
    own->broken = true;
    return error_prefix(error, "\"%.100s\"", own->command);
}

static void close_process(void *self) {
    child_stop(&((struct process *)self)->child, 2);
}

static int open_process(void *self, const struct reward_opening *opening, struct error *error) {
    struct process *own = self;
    const struct reward_batch nothing = {.count = 0};
    struct reward_failures failures = {0};
    memcpy(own->name, opening->name, strlen(opening->name) + 1);
    if (!*own->command) return error_set(error, ERROR_USAGE, "command is empty");
    if (!own->check) return 0;
    return ask(own, &nothing, NULL, &failures, error);
}

static int score_process(void *self, const struct reward_batch *batch, double *values,
                         struct reward_failures *failures, struct error *error) {
    return ask(self, batch, values, failures, error);
}

const struct reward_kind reward_process = {
    .name = "process",
    .help = "another program's, asked in lines of JSON",
    .modes = {true, false, false},
    .size = sizeof(struct process),
    .options = options,
    .open = open_process,
    .close = close_process,
    .score_all = score_process,
};
