#include "postcards/card.h"

#include <string.h>

#include "postcards/film.h"

// The independent streams of a card. Wording and film do not depend on how often the scene was drawn anew.
enum purpose { PURPOSE_SCENE, PURPOSE_FILM, PURPOSE_WORDS };
enum { ATTEMPTS = 12 };

struct canvas *card_canvas(size_t width, struct error *error) {
    struct canvas *canvas = canvas_new(width, error);
    if (!canvas) return NULL;
    for (const struct word *word = sign_words; word->text; word++)
        if (canvas_check_text(canvas, word->face, word->text, error) ||
            (word->second && canvas_check_text(canvas, FACE_SANS, word->second, error))) {
            canvas_free(canvas);
            return NULL;
        }
    return canvas;
}

static void stream(struct random *random, const struct card_order *order, uint64_t index,
                   enum purpose purpose, int attempt) {
    uint64_t number =
        (uint64_t)order->split << 63 | (uint64_t)purpose << 56 | (uint64_t)attempt << 48 | index;
    random_start(random, order->seed, number);
}

// A scene is drawn anew when what stands in the way leaves less than was planned: several countries where one
// was meant, or one where none was.
static bool as_planned(const struct card *card) {
    bool nowhere = card->plan.city < 0 || card->plan.vague;
    if (nowhere) return !card->verdict.locatable && card->scene.count > 0;
    return card->verdict.locatable;
}

static enum difficulty choose(enum difficulty asked, struct random *random) {
    return asked == DIFFICULTY_MIXED ? (enum difficulty)pick_one(random, DIFFICULTIES) : asked;
}

int card_make(struct card *card, struct canvas *canvas, const struct card_order *order, uint64_t index,
              struct error *error) {
    memset(card, 0, sizeof *card);
    if (order->seed > CARD_MOST_SEED || index > CARD_MOST_INDEX)
        return error_set(error, ERROR_USAGE, "postcard seed %llu or index %llu is out of range",
                         (unsigned long long)order->seed, (unsigned long long)index);
    struct random random;
    stream(&random, order, index, PURPOSE_FILM, 0);
    enum difficulty difficulty = choose(order->difficulty, &random);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct random scene;
        stream(&scene, order, index, PURPOSE_SCENE, attempt);
        plan_make(&card->plan, difficulty, &scene);
        scene_paint(&card->scene, canvas, &card->plan, &scene);
        card->verdict = reason_verdict(&card->scene);
        if (as_planned(card)) break;
    }
    if (canvas_copy(canvas, &card->image, error)) return -1;
    film_expose(&card->image, difficulty, &random);
    card->jpeg_quality = 60 + pick_one(&random, 36);
    stream(&random, order, index, PURPOSE_WORDS, 0);
    reason_write(&card->reasoning, &card->scene, &card->plan, &random);
    reason_name(&card->naming, &card->scene, &card->plan);
    if (!card->reasoning.failed && !card->naming.failed) return 0;
    card_free(card);
    return error_set(error, ERROR_MEMORY, "no memory for the reasoning of a postcard");
}

void card_free(struct card *card) {
    image_free(&card->image);
    buffer_free(&card->reasoning);
    buffer_free(&card->naming);
    memset(card, 0, sizeof *card);
}
