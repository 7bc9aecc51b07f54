// The released rules, quirks included (spec: rewards_and_eval.md sections 3.2 and 5).
#include <string.h>

#include "text/answer_internal.h"

// KEY\s*([^\n]+), first match, stripped and lower-cased. \s* crosses newlines, so "country:\ncity: Paris"
// gives the country "city: paris"; when only white space follows there is no match or an empty one, which is
// the same here.
static const char *read_key(struct span text, const char *key, struct buffer *out) {
    size_t used;
    const char *found = memmem(text.start, text.length, key, strlen(key));
    if (!found) return NULL;
    struct span rest = answer_between(found + strlen(key), text.start + text.length);
    while (rest.length > 0 && unicode_is_space(unicode_first(rest, &used))) {
        rest.start += used;
        rest.length -= used;
    }
    const char *newline = rest.length ? memchr(rest.start, '\n', rest.length) : NULL;
    if (newline) rest = answer_between(rest.start, newline);
    unicode_add_lower(out, unicode_strip(rest));
    return found;
}

void answer_read_compat(struct reading *reading, struct span text) {
    const char *country = read_key(text, "country:", &reading->country);
    const char *city = read_key(text, "city:", &reading->city);
    reading->where = !country || (city && city < country) ? city : country;
}
