#include "locate/evidence.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum { LONGEST_SIDE = 1024, LONGEST_NAME = 200 };

bool evidence_heat(const struct vote *vote, size_t first, size_t length, float *out) {
    const struct attention_map *map = &vote->attention;
    size_t patches = map->rows * map->columns, tokens = 0;
    double *span = calloc(2 * patches, sizeof *span), *all = span ? span + patches : NULL;
    if (!span) return false;
    for (size_t t = 0, start = 0; t < map->tokens && t < vote->tokens; start = vote->ends[t++]) {
        bool inside = vote->ends[t] > first && start < first + length;
        tokens += inside;
        for (size_t p = 0; p < patches; p++) {
            double weight = (double)map->weights[t * patches + p];
            all[p] += weight;
            if (inside) span[p] += weight;
        }
    }
    double most = 0;
    for (size_t p = 0; p < patches; p++) {
        span[p] = all[p] > 0 ? span[p] / all[p] : 0; // the common factor of both means does not matter
        most = fmax(most, span[p]);
    }
    // Every patch equally is no evidence at all: then the floor, the stretch's share of the completion, takes
    // it away.
    double floor = map->tokens ? (double)tokens / (double)map->tokens : 1;
    for (size_t p = 0; p < patches; p++)
        out[p] = most > floor ? (float)fmax(0, (span[p] - floor) / (most - floor)) : 0;
    free(span);
    return tokens > 0;
}

// From cool to hot; blended in as strongly as it is hot.
static void tint(uint8_t *pixel, float heat) {
    static const float stops[][3] = {{40, 10, 110}, {190, 30, 110}, {250, 130, 30}, {255, 240, 120}};
    float place = heat * 3, part;
    int stop = place >= 3 ? 2 : (int)place;
    part = place - (float)stop;
    for (int c = 0; c < 3; c++) {
        float colour = stops[stop][c] + (stops[stop + 1][c] - stops[stop][c]) * part,
              strength = 0.25f + 0.5f * heat;
        pixel[c] = (uint8_t)lrintf((float)pixel[c] * (1 - strength) + colour * strength);
    }
}

// Bilinear between patch centres.
static float heat_at(const float *heat, size_t rows, size_t columns, float y, float x) {
    float top = fminf(fmaxf(y - 0.5f, 0), (float)(rows - 1)),
          left = fminf(fmaxf(x - 0.5f, 0), (float)(columns - 1));
    size_t r = (size_t)top, c = (size_t)left, below = r + 1 < rows ? r + 1 : r,
           right = c + 1 < columns ? c + 1 : c;
    float v = top - (float)r, h = left - (float)c;
    float upper = heat[r * columns + c] * (1 - h) + heat[r * columns + right] * h;
    float lower = heat[below * columns + c] * (1 - h) + heat[below * columns + right] * h;
    return upper * (1 - v) + lower * v;
}

static int write_map(const struct image *photo, const struct vote *vote, const float *heat, const char *path,
                     struct error *error) {
    size_t longest = photo->width > photo->height ? photo->width : photo->height;
    double scale = longest > LONGEST_SIDE ? (double)LONGEST_SIDE / (double)longest : 1;
    struct image picture;
    size_t width = (size_t)fmax(1, round((double)photo->width * scale));
    size_t height = (size_t)fmax(1, round((double)photo->height * scale));
    if (image_resize(&picture, photo, width, height, error)) return -1;
    size_t rows = vote->attention.rows, columns = vote->attention.columns;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            tint(picture.rgb + (y * width + x) * 3,
                 heat_at(heat, rows, columns, ((float)y + 0.5f) * (float)rows / (float)height,
                         ((float)x + 0.5f) * (float)columns / (float)width));
    int result = photo_save(&picture, path, 90, error);
    image_free(&picture);
    return result;
}

// FOLDER/PHOTO.WHAT.png. Names that are not the photo's path itself (it has folders, or is too long) end in a
// piece of its hash, so that no two photos have one.
static char *map_path(const char *folder, const char *photo, const char *what, struct error *error) {
    struct buffer path = {0};
    char hash[HASH_TEXT];
    const char *name = photo;
    while (*name == '/' || (name[0] == '.' && name[1] == '/')) name++;
    size_t length = strlen(name);
    while (length > LONGEST_NAME || (length < strlen(name) && (name[length] & 0xC0) == 0x80)) length--;
    if (hash_bytes(photo, strlen(photo), hash, error)) return NULL;
    buffer_format(&path, "%s/", folder);
    size_t start = path.length;
    buffer_add(&path, name, length);
    for (size_t i = start; i < path.length; i++)
        if (path.data[i] == '/') path.data[i] = '_';
    if (!path.failed && strcmp(path.data + start, photo) != 0) buffer_format(&path, ".%.8s", hash);
    buffer_format(&path, ".%s.png", what);
    char *taken = buffer_take(&path);
    if (!taken) error_set(error, ERROR_MEMORY, "%s: out of memory", folder);
    return taken;
}

struct maps {
    const struct verdict *verdict;
    const struct vote *vote;
    const struct image *photo;
    const char *folder;
    bool replace;
};

// *path is set when the picture is there.
static int write_span(const struct maps *maps, const char *what, size_t first, size_t length, char **path,
                      struct error *error) {
    const struct vote *vote = maps->vote;
    float *heat = memory_new(vote->attention.rows * vote->attention.columns, sizeof *heat, "evidence", error);
    if (!heat) return -1;
    int result = 0;
    if (evidence_heat(vote, first, length, heat)) {
        char *name = map_path(maps->folder, maps->verdict->photo, what, error);
        result = name ? 0 : -1;
        if (name && !maps->replace) result = output_check(name, &photo_png_kind, error);
        if (result == 0) result = write_map(maps->photo, vote, heat, name, error);
        if (result == 0)
            *path = name;
        else
            free(name);
    }
    free(heat);
    return result;
}

int evidence_write(struct verdict *verdict, const struct vote *vote, const struct image *photo,
                   const char *folder, bool replace, struct error *error) {
    const struct maps maps = {verdict, vote, photo, folder, replace};
    if (!vote->attention.weights || !vote->ends) return 0;
    if (!file_is_directory(folder) && mkdir(folder, 0777) && errno != EEXIST)
        return error_set_errno(error, folder, "cannot make");
    if (!file_is_directory(folder)) return error_set(error, ERROR_INPUT, "%s: is not a folder", folder);
    const char *reasoning =
        verdict->reasoning && verdict->reasoning[0] ? strstr(vote->text, verdict->reasoning) : NULL;
    size_t offset = reasoning ? (size_t)(reasoning - vote->text) : 0;
    const char *close = strstr(vote->text, "</think>"),
               *answer = close ? close + strlen("</think>") : vote->text;
    size_t start = (size_t)(answer - vote->text);
    if (write_span(&maps, "answer", start, vote->length - start, &verdict->evidence, error)) return -1;
    for (size_t i = 0; reasoning && i < verdict->clue_count; i++) {
        struct verdict_clue *clue = &verdict->clues[i];
        char what[40];
        snprintf(what, sizeof what, "clue-%zu", i + 1);
        if (clue->length &&
            write_span(&maps, what, offset + clue->first, clue->length, &clue->evidence, error))
            return -1;
    }
    return 0;
}
