// Labels such as "Country:", "**City** -", "<country>", "'city':", "国家：", "Final answer:" and where their
// values lie.
#ifndef GLOBE_TEXT_ANSWER_LABELS_H
#define GLOBE_TEXT_ANSWER_LABELS_H

#include "text/unicode.h"

enum label_kind { LABEL_COUNTRY, LABEL_CITY, LABEL_PLACE }; // PLACE: both in one ("Location: Paris, France")

struct label {
    enum label_kind kind;
    const char *start; // of the label
    struct span
        value; // up to the line's end, the next label or a tag; on the next line when this one is empty
};

struct labels {
    struct label *list;
    size_t count, capacity;
    bool failed; // out of memory
};

void labels_find(struct labels *labels, struct span text);
void labels_free(struct labels *labels);

#endif
