/* globe: where was this photo taken, and why.
 *
 *     char message[GLOBE_MESSAGE_SIZE];
 *     struct globe_options options = GLOBE_OPTIONS_INIT;
 *     options.model = "GLOBE-Qwen2.5VL-7B";
 *     struct globe *globe = globe_open(&options, message);
 *     struct globe_result *result = globe ? globe_locate_file(globe, "street.jpg", NULL, message) : NULL;
 *     if (!result)
 *         fprintf(stderr, "%s\n", message);
 *     else if (globe_result_outcome(result) == GLOBE_PLACED)
 *         printf("%s, %s\n", globe_result_place(result)->city, globe_result_place(result)->country);
 *     globe_result_free(result);
 *     globe_close(globe);
 *
 * Link with `pkg-config --cflags --libs globe`; examples/locate.c is a whole program. This header is all of
 * the interface; nothing else of the library is visible.
 *
 * Texts are UTF-8 and never NULL unless said otherwise. Coordinates are degrees, WGS-84; distances km. A
 * handle belongs to one thread at a time; different handles are independent. Functions that fail return NULL
 * and write one line into `message`, which may be NULL.
 */
#ifndef GLOBE_H
#define GLOBE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GLOBE_MESSAGE_SIZE 512

const char *globe_version(void); /* "0.1.0" */

/* ---- opening ---- */

struct globe;

/* Start from GLOBE_OPTIONS_INIT; `size` keeps programs working with later versions of the library. */
struct globe_options {
    size_t size;
    const char *model;          /* checkpoint folder as published on the Hugging Face hub; or */
    const char *endpoint;       /* URL of an OpenAI-compatible server, "http://127.0.0.1:8000/v1" */
    const char *endpoint_model; /* the server's name of the model */
    const char *api_key;        /* of the server; NULL: none */
    const char *gazetteer; /* SQLite file; NULL: the installed one. Without any, places have names only */
    int threads;           /* 0: all processors */
    int64_t max_pixels;  /* largest picture that the model sees, at most its own; 0: 1,003,520, what GLOBE was
                           trained with */
    const char *prompt;  /* "globe", "compat-eval", "direct" or a file; NULL: "globe" */
    const char *adapter; /* folder of a LoRA adapter (PEFT) over the model; NULL: none */
};
#define GLOBE_OPTIONS_INIT \
    { sizeof(struct globe_options), NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL }

struct globe *globe_open(const struct globe_options *options, char *message);
void globe_close(struct globe *globe); /* NULL is fine */

/* While `on` is not 0, locating fails with a message that begins with "cancelled": a call that runs at its next
 * token, another one at once. Set it back to 0 to go on with the handle. This is the one function that may be
 * called from any thread at any time before globe_close, and from a signal handler. */
void globe_cancel(struct globe *globe, int on);

/* ---- locating ---- */

enum globe_precision {
    GLOBE_FULL,
    GLOBE_CITY,   /* positions to 0.01 degrees, radii no smaller than the place */
    GLOBE_COUNTRY /* the country's position and radius; no city, reasoning, clues or answer, and no on_text */
};

struct globe_request {
    size_t size;
    int samples;          /* answers that are put to the vote; 0: 1 */
    int max_tokens;       /* per answer; 0: 1024 */
    double temperature;   /* negative: 0 for one sample, 1 for several */
    double abstain_below; /* confidence under which no place is given; 0: always give one */
    uint64_t seed;
    /* Part of the (first) answer as it is written; NULL: not wanted. `text` is not NUL-terminated. */
    void (*on_text)(void *context, const char *text, size_t length);
    void *context;
    const char *hint;               /* what is known about the photo, for the model; NULL: nothing */
    enum globe_precision precision; /* of everything that the result says */
};
#define GLOBE_REQUEST_INIT \
    { sizeof(struct globe_request), 0, 0, -1.0, 0, 0, NULL, NULL, NULL, GLOBE_FULL }

struct globe_result;

/* JPEG, PNG, WebP, HEIC, AVIF, TIFF or GIF. request NULL: the defaults. The photo's metadata never reaches
 * the model. */
struct globe_result *globe_locate_file(struct globe *globe, const char *path,
                                       const struct globe_request *request, char *message);
struct globe_result *globe_locate_buffer(struct globe *globe, const void *data, size_t length,
                                         const char *name, const struct globe_request *request,
                                         char *message);
void globe_result_free(struct globe_result *result); /* NULL is fine */

/* ---- the result ---- */

enum globe_outcome {
    GLOBE_PLACED,
    GLOBE_ABSTAINED,     /* a place, but less sure than asked for */
    GLOBE_NOT_LOCATABLE, /* nothing in the photo gives the place away */
    GLOBE_NO_ANSWER,     /* the model named no place */
    GLOBE_OUT_OF_SCOPE   /* the model says by itself that it was not made for such a picture */
};
enum globe_outcome globe_result_outcome(const struct globe_result *result);

struct globe_place {
    const char *country, *country_code, *region, *city; /* "" where not known */
    int has_position;
    double latitude, longitude;
    double radius_km; /* of the place itself; negative: unknown */
    double share;     /* of the samples that say so, 0..1 */
};
/* All pointers below are valid until the result is freed. */
const struct globe_place *
globe_result_place(const struct globe_result *result); /* NULL unless placed or abstained */
size_t globe_result_alternatives(const struct globe_result *result);
const struct globe_place *globe_result_alternative(const struct globe_result *result, size_t index);

/* 0..1: the share of samples that agree, or for one sample the probability of the words that name the place;
 * negative: unknown. */
double globe_result_confidence(const struct globe_result *result);
/* Radius around the place that holds `share` (0.5 or 0.9) of the samples; negative: unknown. */
double globe_result_radius(const struct globe_result *result, double share);

const char *globe_result_reasoning(const struct globe_result *result);
const char *globe_result_answer(const struct globe_result *result); /* the whole completion */
size_t globe_result_clues(const struct globe_result *result);
const char *globe_result_clue_kind(const struct globe_result *result,
                                   size_t index); /* "sign", "vegetation", ... */
const char *globe_result_clue_text(const struct globe_result *result, size_t index);

/* The same as `globe locate --jsonl` prints, without the line end. */
const char *globe_result_json(const struct globe_result *result);

#ifdef __cplusplus
}
#endif

#endif
