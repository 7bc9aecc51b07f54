// WebDataset shards: plain tar files in which members with the same name up to the first dot make one sample,
// KEY.json or KEY.txt beside KEY.jpg, KEY.png ...
#ifndef GLOBE_ROWS_SHARD_H
#define GLOBE_ROWS_SHARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/file.h"

struct shard_member {
    size_t header; // where its header starts in the file
    size_t size;   // of its data
};

enum { SHARD_MAX_IMAGES = 64 };

struct shard_sample {
    char *key;
    struct shard_member text; // header SIZE_MAX: none
    bool is_json;             // KEY.json, else KEY.txt
    struct shard_member images[SHARD_MAX_IMAGES];
    size_t image_count;
};

// Calls `visit` for every sample in order; a result other than 0 ends the walk and is returned. ERROR_INPUT
// for a file that is not a tar, is compressed (then nothing could be read at random) or is cut short.
int shard_visit(const struct file_map *map, const char *path,
                int (*visit)(void *context, const struct shard_sample *sample, struct error *error),
                void *context, struct error *error);

// The data of a member, with a NUL after it; free() it. Thread-safe.
char *shard_read(const struct file_map *map, const char *path, const struct shard_member *member,
                 struct error *error);

#endif
