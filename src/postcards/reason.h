// The reasoning that belongs to a card: written from the elements that can be seen, and from nothing else.
#ifndef GLOBE_POSTCARDS_REASON_H
#define GLOBE_POSTCARDS_REASON_H

#include "base/buffer.h"
#include "postcards/scene.h"

enum { REASON_LEAST_WORDS = 40, REASON_MOST_WORDS = 90 };

// What the visible clues tell. A place is locatable when they leave one country; its city is determined when
// they leave one city. Otherwise the best guess is the country's largest city of this world.
struct conclusion {
    bool locatable, city_determined;
    int country, city; // of the answer; -1 when not locatable
};
struct conclusion reason_verdict(const struct scene *scene);

// Appends 40 to 90 words to `out`.
void reason_write(struct buffer *out, const struct scene *scene, const struct plan *plan,
                  struct random *random);

// Appends what can be seen, each thing once with its side of the picture, in a fixed order, and the place:
// the same words as the reasoning, but no choice of wording. What a model reads these from is its eyes alone.
void reason_name(struct buffer *out, const struct scene *scene, const struct plan *plan);

// Appends what the reasoning tells of an element beside its name: "with the French word RUE", "in Greek letters", "with a red
// disc on white", "keeps left"; nothing where its name is all.
void reason_detail(struct buffer *out, const struct element *element);

#endif
