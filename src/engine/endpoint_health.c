#include "engine/endpoint_health.h"

static const double FIRST_PAUSE = 0.5, LONGEST_PAUSE = 8, BUSY_PATIENCE = 4, A_WHILE = 1;

bool endpoint_health_is_doubtful(const struct endpoint_health *health) {
    return health->in_row >= ENDPOINT_TROUBLES;
}

static enum endpoint_change note_answer(struct endpoint_health *health) {
    enum endpoint_change change = endpoint_health_is_doubtful(health) ? HEALTH_RECOVERED : HEALTH_SAME;
    health->in_row = 0;
    health->pause = 0;
    return change;
}

static enum endpoint_change give_up(struct endpoint_health *health) {
    health->gone = true;
    return HEALTH_GONE;
}

static enum endpoint_change note_trouble(struct endpoint_health *health, double patience, double now) {
    if (health->in_row++ == 0) health->since = now;
    if (!endpoint_health_is_doubtful(health)) return HEALTH_SAME;
    if (now - health->since >= patience) return give_up(health);
    health->pause = health->pause > 0 ? 2 * health->pause : FIRST_PAUSE;
    if (health->pause > LONGEST_PAUSE) health->pause = LONGEST_PAUSE;
    health->next = now + health->pause;
    return health->in_row == ENDPOINT_TROUBLES ? HEALTH_DOUBTFUL : HEALTH_SAME;
}

enum endpoint_change endpoint_health_note(struct endpoint_health *health, enum endpoint_trouble trouble,
                                          double wait, double now) {
    if (health->gone) return HEALTH_SAME;
    if (trouble != TROUBLE_SHUT) health->shut = 0;
    switch (trouble) {
    case TROUBLE_NONE:
    case TROUBLE_PHOTO:
        return note_answer(health);
    case TROUBLE_SERVER:
        return note_trouble(health, health->patience, now);
    case TROUBLE_BUSY:
        if (wait <= 0) return note_trouble(health, BUSY_PATIENCE * health->patience, now);
        if (now + wait > health->resting) health->resting = now + wait;
        return HEALTH_SAME;
    case TROUBLE_SHUT:
        return ++health->shut >= ENDPOINT_SHUT ? give_up(health) : HEALTH_SAME;
    }
    return HEALTH_SAME;
}

double endpoint_health_wait(const struct endpoint_health *health, size_t flying, double now) {
    double wait = health->resting > now ? health->resting - now : 0;
    if (!endpoint_health_is_doubtful(health)) return wait;
    if (health->next - now > wait) wait = health->next - now;
    if (flying && wait <= 0) wait = A_WHILE;
    return wait;
}
