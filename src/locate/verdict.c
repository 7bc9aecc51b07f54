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
    case VERDICT_OUT_OF_SCOPE:
        return "out_of_scope";
    case VERDICT_FAILED:
        return "failed";
    }
    return no_outcome;
}

const char *verdict_level_name(enum verdict_level level) {
    static const char *const names[VERDICT_LEVELS] = {"country", "region", "city"};
    return level < VERDICT_LEVELS ? names[level] : "unknown";
}

const char *verdict_flag_name(enum verdict_flag flag) {
    switch (flag) {
    case FLAG_OTHER_PLACE:
        return "reasoning_names_other_place";
    case FLAG_CUT:
        return "answer_cut";
    case FLAG_GPS:
        return "contradicts_gps";
    case FLAG_NAMES:
        return "names_disagree";
    case FLAG_LOCATABILITY:
        return "locatability_low";
    case FLAG_PART:
        return "photo_truncated";
    case FLAG_PREVIEW:
        return "photo_preview";
    }
    return "unknown";
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
    for (size_t i = 0; i < verdict->vote_count; i++) verdict_place_free(&verdict->votes[i].place);
    free(verdict->votes);
    for (size_t i = 0; i < VERDICT_LEVELS; i++) free(verdict->standings[i].name);
    free(verdict->photo);
    free(verdict->photo_sha256);
    free(verdict->hint_sha256);
    free(verdict->evidence_error);
    free(verdict->reasoning);
    free(verdict->answer);
    free(verdict->evidence);
    free(verdict->server_changes);
    *verdict = (struct verdict){0};
}
