#include "postcards/things.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct thing_facts table[THING_COUNT] = {
#define X(name, kind, article, plural, text) [THING_##name] = {KIND_##kind, plural, article, text},
    THINGS(X)
#undef X
};

const struct thing_facts *thing_facts(enum thing thing) {
    return &table[thing];
}

// Length of the mention of `thing` at the beginning of `text`, 0 when there is none.
static size_t mention(enum thing thing, const char *text) {
    size_t length = strlen(table[thing].text);
    if (strncasecmp(text, table[thing].text, length)) return 0;
    if (!table[thing].plural && text[length] == 's') length++;
    return isalnum((unsigned char)text[length]) ? 0 : length;
}

size_t things_mentioned(const char *sentence, enum thing *found, size_t limit) {
    bool seen[THING_COUNT] = {false};
    size_t count = 0;
    for (const char *at = sentence; *at; at++) {
        if (at != sentence && isalnum((unsigned char)at[-1])) continue;
        size_t longest = 0;
        enum thing best = THING_NONE;
        for (enum thing thing = THING_NONE + 1; thing < THING_COUNT; thing++) {
            size_t length = mention(thing, at);
            if (length > longest) longest = length, best = thing;
        }
        if (!longest) continue;
        if (!seen[best] && count < limit) found[count++] = best;
        seen[best] = true;
        at += longest - 1;
    }
    return count;
}
