// What a server says when it refuses: its own words for people, the names of the fields it complains of, and
// nothing secret.
#ifndef GLOBE_ENGINE_ENDPOINT_WORDS_H
#define GLOBE_ENGINE_ENDPOINT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json.h"

enum { ENDPOINT_LONGEST_WORDS = 240 };

// The server's own words in the body of an error reply, shortened to a line and without anything of the
// picture; of a web page its title; "" when there are none.
void endpoint_words_find(const char *body, size_t length, char *words, size_t size);
// The same of a JSON document that is there already.
void endpoint_words_of(const json_t *root, char *words, size_t size);
// All that may name a field: first those named by themselves ("param", pydantic's "loc"), quoted, then the
// whole message; at most some kilobytes. *named: there are fields named by themselves.
void endpoint_words_complaint(const char *body, size_t length, struct buffer *complaint, bool *named);
void endpoint_words_complaint_of(const json_t *root, struct buffer *complaint, bool *named);

// What must never be shown: the API key, the password and the query values of the address.
struct endpoint_secrets {
    char *list[16];
    size_t count;
};
// -1 for want of memory. Short ones that could be any word ("none") are no secrets.
int endpoint_secrets_add(struct endpoint_secrets *secrets, const char *secret);
// Makes every secret in the text unreadable, by asterisks of the same length.
void endpoint_secrets_hide(const struct endpoint_secrets *secrets, char *text, size_t length);
// How many bytes at the end of the text may be the beginning of a secret; 0 for so few that they tell nothing.
size_t endpoint_secrets_begun(const struct endpoint_secrets *secrets, const char *text, size_t length);
void endpoint_secrets_free(struct endpoint_secrets *secrets);

#endif
