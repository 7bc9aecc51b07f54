#include "reward/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/installed.h"
#include "base/memory.h"
#include "base/name_map.h"

enum { MOST_MEANINGS = 1 << 20, WORD_SIZE = 96, DEEPEST = 32 };

// One word of one meaning; those of the same word are chained.
struct entry {
    const char *word; // into text
    uint32_t meaning;
    uint32_t next; // 1 + index; 0: the last
    bool thing;
};

struct words {
    char *text;
    uint32_t *parents; // [meanings + 1], 0: none
    size_t meanings;
    struct entry *entries;
    size_t count, capacity;
    struct name_map map; // to the first entry of a word
};

// ---- the file -------------------------------------------------------------------------------------------

static int complain(const char *path, size_t line, const char *what, struct error *error) {
    return error_set(error, ERROR_INPUT, "%s:%zu: not a list of visible words: %s", path, line, what);
}

static int add_word(struct words *words, const char *word, bool thing, struct error *error) {
    size_t first;
    if (words->count == words->capacity) {
        size_t capacity = words->capacity ? 2 * words->capacity : 4096;
        struct entry *grown = memory_grow(words->entries, capacity, sizeof *grown, "words", error);
        if (!grown) return -1;
        words->entries = grown, words->capacity = capacity;
    }
    struct entry *entry = &words->entries[words->count];
    *entry = (struct entry){.word = word, .meaning = (uint32_t)words->meanings, .thing = thing};
    if (name_map_find(&words->map, word, &first)) {
        entry->next = words->entries[first].next;
        words->entries[first].next = (uint32_t)words->count + 1;
    } else if (name_map_add(&words->map, word, words->count, error)) {
        return -1;
    }
    words->count++;
    return 0;
}

static int read_line(struct words *words, char *line, const char *path, size_t number, struct error *error) {
    char *end, *save = NULL;
    unsigned long meaning = strtoul(line, &end, 10);
    if (end == line || *end != ' ' || meaning != words->meanings + 1 || meaning > MOST_MEANINGS)
        return complain(path, number, "meanings are not numbered one by one", error);
    char *start = end + 1;
    unsigned long parent = strtoul(start, &end, 10);
    if (end == start || (*end && *end != ' ') || parent > MOST_MEANINGS)
        return complain(path, number, "no wider meaning", error);
    uint32_t *grown = memory_grow(words->parents, words->meanings + 2, sizeof *grown, "words", error);
    if (!grown) return -1;
    words->parents = grown;
    words->parents[++words->meanings] = (uint32_t)parent;
    for (char *word = strtok_r(end, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        size_t length = strlen(word);
        bool thing = word[length - 1] == '*';
        if (thing) word[--length] = 0;
        if (length == 0 || length >= WORD_SIZE)
            return complain(path, number, "a word of no or too great length", error);
        for (char *c = word; *c; c++)
            if (*c == '-') *c = '_';
        if (add_word(words, word, thing, error)) return -1;
    }
    return 0;
}

static int read_text(struct words *words, const char *path, struct error *error) {
    size_t number = 0;
    char *save = NULL;
    for (char *line = words->text; line && *line; line = save) {
        save = strchr(line, '\n');
        if (save) *save++ = 0;
        number++;
        if (*line && *line != '#' && read_line(words, line, path, number, error)) return -1;
    }
    if (words->meanings == 0) return complain(path, number, "it holds none", error);
    words->parents[0] = 0;
    for (size_t i = 1; i <= words->meanings; i++)
        if (words->parents[i] > words->meanings)
            return complain(path, number, "a wider meaning is not there", error);
    return 0;
}

struct words *words_open(const char *path, struct error *error) {
    struct file_map map;
    char *found = path ? NULL : installed_find("data/visible-words.txt", error);
    if (!path && !found) return NULL;
    const char *name = path ? path : found;
    struct words *words = memory_new(1, sizeof *words, "words", error);
    int result = words ? file_map_open(&map, name, error) : -1;
    if (result == 0) {
        if (memchr(map.data, 0, map.size)) result = complain(name, 1, "it is not a text", error);
        words->text = result ? NULL : memory_copy_string(map.data, map.size, error);
        if (!words->text) result = -1;
        file_map_close(&map);
    }
    if (result == 0) result = read_text(words, name, error);
    free(found);
    if (result == 0) return words;
    words_close(words);
    return NULL;
}

void words_close(struct words *words) {
    if (!words) return;
    name_map_free(&words->map);
    free(words->entries), free(words->parents), free(words->text);
    free(words);
}

// ---- looking up -----------------------------------------------------------------------------------------

static void add_sense(struct word_senses *senses, uint32_t meaning) {
    for (size_t i = 0; i < senses->count; i++)
        if (senses->senses[i] == meaning) return;
    if (senses->count < WORDS_SENSES) senses->senses[senses->count++] = meaning;
}

static bool find(const struct words *words, const char *word, struct word_senses *senses) {
    size_t at;
    if (!name_map_find(&words->map, word, &at)) return false;
    for (size_t i = at + 1; i; i = words->entries[i - 1].next) {
        const struct entry *entry = &words->entries[i - 1];
        senses->thing = senses->thing || entry->thing;
        add_sense(senses, entry->meaning);
    }
    return true;
}

// "buses" to "bus", "cities" to "city", "men" to "man"; by trying, the known word decides.
static void find_singular(const struct words *words, char *word, struct word_senses *senses) {
    static const char *const endings[][2] = {
        {"ies", "y"}, {"ves", "f"},   {"ves", "fe"},        {"es", ""},
        {"s", ""},    {"men", "man"}, {"people", "person"}, {"children", "child"}};
    size_t length = strlen(word);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char other[WORD_SIZE + 8];
        size_t end = strlen(endings[i][0]);
        if (length < end || strcmp(word + length - end, endings[i][0]) != 0 || (length == end && i < 5))
            continue;
        if (strcmp(endings[i][0], "s") == 0 && length > 1 && word[length - 2] == 's') continue; // "glass"
        memcpy(other, word, length - end);
        memcpy(other + length - end, endings[i][1], strlen(endings[i][1]) + 1);
        if (find(words, other, senses)) return;
    }
}

void words_find(const struct words *words, const char *phrase, size_t length, struct word_senses *senses) {
    char word[WORD_SIZE];
    *senses = (struct word_senses){.count = 0};
    if (length == 0 || length >= sizeof word) return;
    for (size_t i = 0; i < length; i++)
        word[i] = phrase[i] == ' ' || phrase[i] == '-' ? '_' : (char)tolower((unsigned char)phrase[i]);
    word[length] = 0;
    static const char *const people[] = {"people", "men", "children"}; // which are words of their own as well
    bool found = find(words, word, senses);
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        size_t size = strlen(people[i]);
        found = found && !(length >= size && strcmp(word + length - size, people[i]) == 0);
    }
    if (!found) find_singular(words, word, senses);
}

// Whether `meaning` is `wider` or lies below it.
static bool is_below(const struct words *words, uint32_t meaning, uint32_t wider) {
    for (int depth = 0; meaning && depth < DEEPEST; depth++, meaning = words->parents[meaning])
        if (meaning == wider) return true;
    return false;
}

enum words_relation words_compare(const struct words *words, const struct word_senses *word,
                                  const struct word_senses *other) {
    enum words_relation best = WORDS_APART;
    for (size_t i = 0; i < word->count; i++)
        for (size_t k = 0; k < other->count; k++) {
            if (is_below(words, other->senses[k], word->senses[i])) return WORDS_COVERS;
            if (is_below(words, word->senses[i], other->senses[k])) best = WORDS_NARROWER;
        }
    return best;
}
