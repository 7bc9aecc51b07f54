#include "rows/shard.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { MAX_MEMBER = 1 << 30 };

static int complain(struct archive *archive, const char *path, struct error *error) {
    const char *why = archive_error_string(archive);
    return error_set(error, ERROR_INPUT, "%s: not a readable tar file: %s", path,
                     why ? why : "unknown reason");
}

static struct archive *open_at(const struct file_map *map, const char *path, size_t offset,
                               struct error *error) {
    struct archive *archive = archive_read_new();
    if (!archive) {
        error_set(error, ERROR_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    archive_read_support_format_tar(archive);
    if (archive_read_open_memory(archive, (const char *)map->data + offset, map->size - offset) == ARCHIVE_OK)
        return archive;
    complain(archive, path, error);
    archive_read_free(archive);
    return NULL;
}

// ---- samples --------------------------------------------------------------------------------------------

enum role { ROLE_OTHER, ROLE_JSON, ROLE_TEXT, ROLE_IMAGE };

static enum role role_of(const char *extension) {
    static const char *const images[] = {"jpg", "jpeg", "png", "webp"};
    if (strcasecmp(extension, "json") == 0) return ROLE_JSON;
    if (strcasecmp(extension, "txt") == 0) return ROLE_TEXT;
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        if (strcasecmp(extension, images[i]) == 0) return ROLE_IMAGE;
    return ROLE_OTHER;
}

// The length of the key in a member's name: up to the first dot of its last part.
static size_t key_length(const char *name) {
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    return (size_t)(base - name) + strcspn(base, ".");
}

static int take_member(struct shard_sample *sample, const char *name, struct shard_member member,
                       const char *path, struct error *error) {
    const char *dot = strrchr(name + key_length(name), '.');
    enum role role = role_of(dot ? dot + 1 : "");
    if (role == ROLE_IMAGE) {
        if (sample->image_count == SHARD_MAX_IMAGES)
            return error_set(error, ERROR_LIMIT, "%s: %.200s has more than %d images", path, sample->key,
                             (int)SHARD_MAX_IMAGES);
        sample->images[sample->image_count++] = member;
    } else if (role == ROLE_JSON || (role == ROLE_TEXT && !sample->is_json)) {
        sample->text = member;
        sample->is_json = role == ROLE_JSON;
    }
    return 0;
}

static int start_sample(struct shard_sample *sample, const char *name, size_t length, struct error *error) {
    free(sample->key);
    *sample = (struct shard_sample){.text.header = SIZE_MAX};
    sample->key = memory_copy_string(name, length, error);
    return sample->key ? 0 : -1;
}

static bool holds_anything(const struct shard_sample *sample) {
    return sample->text.header != SIZE_MAX || sample->image_count;
}

struct walk {
    const struct file_map *map;
    const char *path;
    struct shard_sample sample;
    int (*visit)(void *context, const struct shard_sample *sample, struct error *error);
    void *context;
};

static int take_entry(struct walk *walk, struct archive *archive, struct archive_entry *entry,
                      struct error *error) {
    const char *name = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) != AE_IFREG || !name) return 0;
    int64_t header = archive_read_header_position(archive), size = archive_entry_size(entry);
    if (size < 0 || size > MAX_MEMBER)
        return error_set(error, ERROR_LIMIT, "%s: member %.200s is larger than 1 GB", walk->path, name);
    if ((size_t)size > walk->map->size - (size_t)header)
        return error_set(error, ERROR_INPUT, "%s: cut short in member %.200s", walk->path, name);
    size_t length = key_length(name);
    const char *key = walk->sample.key;
    if (!key || strlen(key) != length || strncmp(key, name, length) != 0) {
        int result =
            key && holds_anything(&walk->sample) ? walk->visit(walk->context, &walk->sample, error) : 0;
        if (result || start_sample(&walk->sample, name, length, error)) return result ? result : -1;
    }
    return take_member(&walk->sample, name, (struct shard_member){(size_t)header, (size_t)size}, walk->path,
                       error);
}

int shard_visit(const struct file_map *map, const char *path,
                int (*visit)(void *context, const struct shard_sample *sample, struct error *error),
                void *context, struct error *error) {
    struct walk walk = {.map = map, .path = path, .visit = visit, .context = context};
    struct archive *archive = open_at(map, path, 0, error);
    if (!archive) return -1;
    int result = 0;
    while (result == 0) {
        struct archive_entry *entry;
        int status = archive_read_next_header(archive, &entry);
        if (status == ARCHIVE_EOF) break;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            result = complain(archive, path, error);
        else
            result = take_entry(&walk, archive, entry, error);
    }
    archive_read_free(archive);
    if (result == 0 && walk.sample.key && holds_anything(&walk.sample))
        result = visit(context, &walk.sample, error);
    free(walk.sample.key);
    return result;
}

char *shard_read(const struct file_map *map, const char *path, const struct shard_member *member,
                 struct error *error) {
    struct archive *archive = open_at(map, path, member->header, error);
    if (!archive) return NULL;
    struct archive_entry *entry;
    char *data = memory_new(member->size + 1, 1, path, error);
    if (data && (archive_read_next_header(archive, &entry) < ARCHIVE_WARN ||
                 archive_read_data(archive, data, member->size) != (ssize_t)member->size)) {
        complain(archive, path, error);
        free(data);
        data = NULL;
    }
    archive_read_free(archive);
    return data;
}
