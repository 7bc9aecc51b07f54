#include "locate/verdict.h"

#include <stdlib.h>
#include <string.h>

static const char no_outcome[] = "unknown";

const char *verdict_outcome_name(enum verdict_outcome outcome) {
    switch (outcome) {
    case VERDICT_PLACED:
        return "placed";
    case VERDICT_ABSTAINED:
        return "abstained";
    case VERDICT_NOT_LOCATABLE:
        return "not_locatable";
    case VERDICT_NO_ANSWER:
        return "no_answer";
    case VERDICT_FAILED:
        return "failed";
    }
    return no_outcome;
}

int verdict_outcome_find(const char *name, enum verdict_outcome *outcome) {
    for (int i = 0; strcmp(verdict_outcome_name((enum verdict_outcome)i), no_outcome); i++)
        if (strcmp(verdict_outcome_name((enum verdict_outcome)i), name) == 0) {
            *outcome = (enum verdict_outcome)i;
            return 0;
        }
    return -1;
}

void verdict_place_free(struct verdict_place *place) {
    free(place->country);
    free(place->region);
    free(place->city);
    *place = (struct verdict_place){0};
}

void verdict_clues_free(struct verdict_clue *clues, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(clues[i].text);
        free(clues[i].evidence);
    }
    free(clues);
}

void verdict_free(struct verdict *verdict) {
    verdict_place_free(&verdict->place);
    for (size_t i = 0; i < verdict->alternative_count; i++) verdict_place_free(&verdict->alternatives[i]);
    free(verdict->alternatives);
    verdict_clues_free(verdict->clues, verdict->clue_count);
    free(verdict->photo);
    free(verdict->reasoning);
    free(verdict->answer);
    free(verdict->evidence);
    *verdict = (struct verdict){0};
}
