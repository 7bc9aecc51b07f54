// Labels such as "Country:", "**City** -", "<country>", "'city':", "国家：", "Final answer:" and where their
// values lie.
#ifndef GLOBE_TEXT_ANSWER_LABELS_H
#define GLOBE_TEXT_ANSWER_LABELS_H

#include "text/unicode.h"

// PLACE: both in one ("Location: Paris, France"), PLACE_BACK: the country first ("Country/City: France/Paris").
enum label_kind { LABEL_COUNTRY, LABEL_CITY, LABEL_PLACE, LABEL_PLACE_BACK };

struct label {
    enum label_kind kind;
    const char *start; // of the label
    struct span
        value; // up to the line's end, the next label or a tag; on the next line when this one is empty
};

struct labels {
    struct label *list;
    size_t count, capacity;
    const char *end; // of the text
    bool failed;     // out of memory
};

// The kind of a text that is nothing but a label, such as the head of a table's column; false when it is none.
bool labels_is_one(struct span text, enum label_kind *kind);
void labels_find(struct labels *labels, struct span text);
void labels_free(struct labels *labels);

#endif
