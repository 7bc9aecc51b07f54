// What comes from outside of rewards: answers of co-processes, the texts that ask for rewards, and completions.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reward/reply.h"
#include "reward/reward.h"
#include "rows/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char card[] = "{\"images\":[\"a\"],\"country\":\"Italy\",\"city\":\"Venice\",\"solution\":"
                           "\"Italy\\tVenice\",\"entities\":[\"canal\",\"sign\"],"
                           "\"clues\":[{\"text\":\"canal\",\"places\":[\"NL\",\"Venice, "
                           "IT\"]},{\"text\":\"car\",\"detail\":\"keeps right\","
                           "\"places\":[\"IT\"]},{\"text\":\"sign\",\"detail\":\"with the word "
                           "VIA\",\"says\":\"VIA\",\"places\":[\"IT\"]}]}";

static void read_reply(const char *text, size_t size) {
    enum { COUNT = 3 };
    double values[COUNT];
    bool failed[COUNT] = {false};
    struct reward_failures failures = {.failed = failed};
    struct error error = {0};
    reward_reply_read(text, size, 7, COUNT, values, &failures, &error);
}

static void read_spec(const char *text, size_t size) {
    struct error error = {0};
    struct reward_spec *spec = malloc(sizeof *spec);
    char *copy = malloc(size + 1);
    if (spec && copy) {
        memcpy(copy, text, size);
        copy[size] = 0;
        const char *at = copy;
        bool found = true;
        while (found && reward_spec_read(spec, &at, &found, &error) == 0) {
        }
    }
    free(copy);
    free(spec);
}

static void score(const char *text, size_t size) {
    static struct reward_set *set;
    static struct row row;
    struct error error = {0};
    double values[8];
    if (!set) {
        const char *specs = "format;accuracy;grounding;consistency;repetition;grounding:words=postcards,name="
                            "b;accuracy:mode=compat,name=c;"
                            "accuracy:shape=exp,name=d";
        const struct row_options options = {.images = ROW_OWN_IMAGES, .chat = ROW_CHAT_NONE, .truth = true};
        set = reward_set_open(&specs, 1, &(struct reward_options){.gazetteer = NULL}, &error);
        if (!set || row_read(&row, card, strlen(card), &options, NULL, &error)) abort();
    }
    struct reward_completion completion = {
        .text = text, .length = size, .truth = &row.truth, .locatability = NAN};
    completion.cut = size % 2;
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    if (reward_set_score(set, &batch, values, NULL, &error)) abort(); // no text of a model is a failure
    for (size_t i = 0; i < 8; i++)
        if (!(values[i] >= -1 && values[i] <= 1)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    if (data[0] % 4 == 0)
        read_reply(text, size - 1);
    else if (data[0] % 4 == 1)
        read_spec(text, size - 1);
    else
        score(text, size - 1);
    return 0;
}
