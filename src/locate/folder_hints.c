#include "locate/folder_hints.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"

// One line of text: what a paragraph is in the file is none in the prompt.
static int read_hint(struct buffer *out, const char *path, struct error *error) {
    size_t length;
    char *text = file_read(path, FOLDER_HINT_LIMIT, &length, error);
    if (!text) return -1;
    bool right = strlen(text) == length && utf8_is_valid(text, length);
    const char *from = right && strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    while (length && text[length - 1] == ' ') text[--length] = 0;
    if (right && *from) buffer_format(out, "%s%s", out->length ? " " : "", from);
    free(text);
    return right ? 0 : error_set(error, ERROR_INPUT, "%s: the hint is not UTF-8 text", path);
}

// 1: added; 0: there is no such file.
static int try_folder(const struct folder_hints *hints, struct buffer *out, const char *folder,
                      struct error *error) {
    struct stat status;
    char *path = file_join(folder, hints->file, error);
    if (!path) return -1;
    int result = 0;
    if (stat(path, &status) == 0)
        result = read_hint(out, path, error) ? -1 : 1;
    else if (errno != ENOENT && errno != ENOTDIR)
        result = error_set_errno(error, path, "cannot read the hint");
    free(path);
    return result;
}

static int gather(const struct folder_hints *hints, const char *folder, struct buffer *out,
                  struct error *error) {
    if (hints->hint) buffer_add_text(out, hints->hint);
    char *at = memory_copy_string(folder, strlen(folder), error);
    int result = at ? 0 : -1;
    while (result == 0) {
        result = try_folder(hints, out, at, error);
        if (strcmp(at, ".") == 0 || strcmp(at, "/") == 0) break;
        char *above = result == 0 ? file_folder(at, error) : NULL;
        if (result == 0 && !above) result = -1;
        free(at);
        at = above;
    }
    free(at);
    if (result >= 0 && out->failed) return error_set(error, ERROR_MEMORY, "hint: out of memory");
    return result < 0 ? -1 : 0;
}

static void free_one(struct folder_hint *one) {
    if (!one) return;
    free(one->folder);
    locate_prompt_free(&one->text);
    free(one);
}

static int add(struct folder_hints *hints, struct folder_hint *one, struct error *error) {
    struct folder_hint **grown =
        memory_grow(hints->list, hints->count + 1, sizeof(struct folder_hint *), "hints", error);
    if (!grown) return -1;
    hints->list = grown;
    if (name_map_add(&hints->by_folder, one->folder, hints->count, error)) return -1;
    hints->list[hints->count++] = one;
    return 0;
}

const struct folder_hint *folder_hints_find(struct folder_hints *hints, const char *photo,
                                            struct error *error) {
    size_t found;
    char *folder = file_folder(photo, error);
    if (!folder) return NULL;
    if (name_map_find(&hints->by_folder, folder, &found)) {
        free(folder);
        return hints->list[found];
    }
    struct buffer hint = {0};
    struct folder_hint *one = memory_new(1, sizeof *one, "hint", error);
    int result = one ? 0 : -1;
    if (one) one->folder = folder;
    if (result == 0) result = gather(hints, folder, &hint, error);
    if (result == 0 && hint.length) result = hash_bytes(hint.data, hint.length, one->sha256, error);
    if (result == 0) result = locate_prompt_open(&one->text, hints->prompt, hint.data, error);
    if (result == 0) result = add(hints, one, error);
    buffer_free(&hint);
    if (result == 0) return one;
    if (one)
        free_one(one);
    else
        free(folder);
    return NULL;
}

int folder_hints_spare(const char *file, const char *photo, const struct outputs *outputs,
                       struct error *error) {
    char *folder = file_folder(photo, error);
    int result = folder ? 0 : -1;
    while (result == 0) {
        char *path = file_join(folder, file, error);
        result = path ? outputs_spare(outputs, "a file of hints", path, error) : -1;
        free(path);
        if (strcmp(folder, ".") == 0 || strcmp(folder, "/") == 0) break;
        char *above = result == 0 ? file_folder(folder, error) : NULL;
        if (result == 0 && !above) result = -1;
        free(folder);
        folder = above;
    }
    free(folder);
    return result;
}

void folder_hints_free(struct folder_hints *hints) {
    for (size_t i = 0; i < hints->count; i++) free_one(hints->list[i]);
    free(hints->list);
    name_map_free(&hints->by_folder);
    hints->list = NULL;
    hints->count = 0;
}
