#include "locate/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "photo/encode.h"
#include "photo/resize.h"

enum { LONGEST_SIDE = 1024 };

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

// FOLDER/PHOTO.WHAT.png
static char *map_path(const char *folder, const char *photo, const char *what, struct error *error) {
    size_t size = strlen(folder) + strlen(photo) + strlen(what) + 8;
    char *path = memory_new(size, 1, "path", error);
    if (!path) return NULL;
    int start = snprintf(path, size, "%s/", folder);
    while (*photo == '/' || (photo[0] == '.' && photo[1] == '/')) photo++;
    snprintf(path + start, size - (size_t)start, "%s.%s.png", photo, what);
    for (char *p = path + start; *p; p++)
        if (*p == '/') *p = '_';
    return path;
}

static int write_span(const struct verdict *verdict, const struct vote *vote, const struct image *photo,
                      const char *folder, const char *what, size_t first, size_t length, char **path,
                      struct error *error) {
    float *heat = memory_new(vote->attention.rows * vote->attention.columns, sizeof *heat, "evidence", error);
    if (!heat) return -1;
    int result = 0;
    if (evidence_heat(vote, first, length, heat)) {
        *path = map_path(folder, verdict->photo, what, error);
        result = *path ? write_map(photo, vote, heat, *path, error) : -1;
    }
    free(heat);
    return result;
}

int evidence_write(struct verdict *verdict, const struct vote *vote, const struct image *photo,
                   const char *folder, struct error *error) {
    if (!vote->attention.weights || !vote->ends) return 0;
    if (!file_is_directory(folder) && mkdir(folder, 0777))
        return error_set_errno(error, folder, "cannot make");
    const char *reasoning =
        verdict->reasoning && verdict->reasoning[0] ? strstr(vote->text, verdict->reasoning) : NULL;
    size_t offset = reasoning ? (size_t)(reasoning - vote->text) : 0;
    const char *close = strstr(vote->text, "</think>"),
               *answer = close ? close + strlen("</think>") : vote->text;
    size_t start = (size_t)(answer - vote->text);
    if (write_span(verdict, vote, photo, folder, "answer", start, vote->length - start, &verdict->evidence,
                   error))
        return -1;
    for (size_t i = 0; reasoning && i < verdict->clue_count; i++) {
        struct verdict_clue *clue = &verdict->clues[i];
        char what[40];
        snprintf(what, sizeof what, "clue-%zu", i + 1);
        if (clue->length && write_span(verdict, vote, photo, folder, what, offset + clue->first, clue->length,
                                       &clue->evidence, error))
            return -1;
    }
    return 0;
}
