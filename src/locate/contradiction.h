// Reasoning that concludes on another place than the answer gives: one of the two is not what the model saw.
#ifndef GLOBE_LOCATE_CONTRADICTION_H
#define GLOBE_LOCATE_CONTRADICTION_H

#include <stdbool.h>

#include "geo/gazetteer.h"
#include "locate/verdict.h"

// Looks at the last sentence that concludes ("so this must be ...", "my answer is ..."), in English. It
// contradicts when it names countries, or for want of one large cities, none of them the answer's, and nothing
// of the answer itself. What is denied there ("not Japan", "rather than Busan") is not counted. Sentences
// before it may weigh other places: they contradict nothing.
int contradiction_find(const char *reasoning, const struct verdict_place *answer, struct gazetteer *gazetteer,
                       bool *contradicts, struct error *error);

#endif
