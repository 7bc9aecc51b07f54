// Any bytes as an answer that is scored, and as a row of truth in a file.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "eval/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(const uint8_t *data, size_t size) {
    char path[] = "/tmp/fuzz_truth_XXXXXX";
    struct truth_list list = {0};
    struct error error = {0};
    int file = mkstemp(path);
    if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
    close(file);
    if (truth_read(&list, path, NULL, 100, &error) && (error.code == ERROR_NONE || !error.message[0]))
        abort();
    for (size_t i = 0; i < list.count; i++)
        if (!list.rows[i].photo[0] || (list.rows[i].locatable && !list.rows[i].country[0] &&
                                       !list.rows[i].city[0] && !list.rows[i].has_position))
            abort();
    truth_free(&list);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char photo[] = "a.jpg", country[] = "France", city[] = "Paris", sign[] = "sign";
    static char *entities[] = {sign};
    const struct truth truth = {.photo = photo,
                                .country = country,
                                .city = city,
                                .country_code = "FR",
                                .locatable = true,
                                .has_entities = true,
                                .entities = entities,
                                .entity_count = 1};
    struct score score = {0};
    struct error error = {0};
    read_rows(data, size);
    json_t *answer = json_read_buffer((const char *)data, size, "answer", &error);
    if (answer && score_add(&score, &truth, answer, NULL, &error) == 0 && score.rows != 1) abort();
    json_decref(answer);
    return 0;
}
