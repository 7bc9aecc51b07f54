// Does the reasoning argue for the place that the answer names, draw only conclusions that its clues allow, and read signs as
// they are written? Rules on texts and on what the row knows; for rewards and for reports.
#ifndef GLOBE_REWARD_CONSISTENCY_H
#define GLOBE_REWARD_CONSISTENCY_H

#include "reward/atlas.h"
#include "reward/reward.h"

// Of one answer.
struct consistency {
    bool has_reasoning;
    bool names_place; // the answer names a place
    bool declines;    // it says that none can be told; neither: there is no answer that can be read
    bool argues;      // the reasoning names that place, too; of an answer that declines: it settles on none
    // It says that the place is elsewhere: what it leaves as possible lacks the answer's country, or it rules that out, or it
    // settles on another country or city. "However, ..." takes back what was said before it.
    bool contradicts;
    // Only for rows with "clues"; inferences are sentences that name countries as where it may be.
    size_t inferences;
    size_t
        invalid; // they name a country that the clues stated so far do not allow, or leave out one that these allow
    size_t unsupported; // they rest on what is not in the picture, or not as stated
    size_t signs;       // that are quoted
    size_t signs_right; // and say that
};

int consistency_measure(struct atlas *atlas, const struct reward_completion *completion,
                        struct consistency *consistency, struct error *error);

// Of many.
struct consistency_totals {
    size_t answers, reasonings, contradictions; // the last: answers
    size_t with_clues; // reasonings with an inference or a quoted sign, of rows with "clues"
    size_t with_invalid, with_unsupported; // those of them with one such inference at least
    size_t inferences, invalid, unsupported, signs, signs_right;
};
void consistency_sum(struct consistency_totals *totals, const struct consistency_totals *part);
void consistency_add(struct consistency_totals *totals, const struct consistency *one);

#endif
