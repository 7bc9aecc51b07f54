#include "rows/truth.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "rows/row_files.h"
#include "rows/row_internal.h"

enum { MOST_ENTITIES = 10000, MOST_CLUES = 1000, MOST_PLACES = 1000 };

static char *copy(const char *text, struct error *error) {
    return memory_copy_string(text, strlen(text), error);
}

// A name; what stands for none becomes "".
static char *take_name(const json_t *row, const char *key, const char *name, struct error *error) {
    const char *text = "";
    if (json_get_string(row, key, &text, name, error)) return NULL;
    return copy(strcmp(text, "unknown") == 0 ? "" : text, error);
}

static char *copy_part(const char *text, size_t length, struct error *error) {
    static const char unknown[] = "unknown";
    bool none = length == sizeof unknown - 1 && memcmp(text, unknown, length) == 0;
    return memory_copy_string(text, none ? 0 : length, error);
}

// Its two names, and in their places what the keys of their own do not say.
static int take_solution(struct truth *truth, const json_t *row, const struct row_options *options,
                         const char *name, struct error *error) {
    const char *text = "";
    if (json_get_string(row, "solution", &text, name, error)) return -1;
    struct row_solution named = row_read_solution(text);
    // Evaluation has no use for it beside other keys, whatever it may say.
    bool own = json_object_get(row, "country") || json_object_get(row, "city");
    if (options->chat == ROW_CHAT_NONE && own && !named.country_length && !named.city_length) text = "";
    if (*text && !named.country_length && !named.city_length)
        return error_set(
            error, ERROR_INPUT,
            "%s: \"solution\" names no place: <country>X</country><city>Y</city>, or X, a tab, Y", name);
    struct buffer solution = {0};
    if (*text)
        buffer_format(&solution, "%.*s\t%.*s", (int)named.country_length, named.country,
                      (int)named.city_length, named.city);
    truth->solution = *text ? buffer_take(&solution) : copy("", error);
    if (!truth->solution) return error_set(error, ERROR_MEMORY, "%s: out of memory", name);
    if (!json_object_get(row, "country")) {
        free(truth->country);
        truth->country = copy_part(named.country, named.country_length, error);
    }
    if (!json_object_get(row, "city")) {
        free(truth->city);
        truth->city = copy_part(named.city, named.city_length, error);
    }
    return truth->country && truth->city ? 0 : -1;
}

// A coordinate under one of its names.
static int take_degrees(const json_t *row, const char *const *keys, double most, double *value,
                        const char *name, struct error *error) {
    for (; *keys; keys++) {
        double found = NAN;
        if (json_get_number(row, *keys, -most, most, &found, name, error)) return -1;
        if (isnan(found)) continue;
        if (!isnan(*value) && *value != found)
            return error_set(error, ERROR_INPUT, "%s: \"%s\" is %g, but another key says %g", name, *keys,
                             found, *value);
        *value = found;
    }
    return 0;
}

static int take_place(struct truth *truth, const json_t *row, const struct row_options *options,
                      const char *name, struct error *error) {
    static const char *const latitudes[] = {"lat", "latitude", NULL}, *const longitudes[] = {
                                                                          "lon", "longitude", "lng", NULL};
    const char *code = "";
    double lat = NAN, lon = NAN;
    truth->country = take_name(row, "country", name, error);
    truth->city = truth->country ? take_name(row, "city", name, error) : NULL;
    truth->region = truth->city ? take_name(row, "region", name, error) : NULL;
    if (!truth->region || take_solution(truth, row, options, name, error) ||
        json_get_string(row, "country_code", &code, name, error) ||
        take_degrees(row, latitudes, 90, &lat, name, error) ||
        take_degrees(row, longitudes, 180, &lon, name, error))
        return -1;
    if (*code && (strlen(code) != 2 || !isupper((unsigned char)code[0]) || !isupper((unsigned char)code[1])))
        return error_set(error, ERROR_INPUT, "%s: \"country_code\" is not like \"FR\"", name);
    if (isnan(lat) != isnan(lon))
        return error_set(error, ERROR_INPUT, "%s: \"lat\" and \"lon\" belong together", name);
    memcpy(truth->country_code, code, strlen(code) + 1);
    truth->has_position = !isnan(lat);
    if (truth->has_position) truth->position = (struct point){lat, lon};
    truth->locatable = truth->city_determined = true;
    if (json_get_boolean(row, "locatable", &truth->locatable, name, error) ||
        json_get_boolean(row, "city_determined", &truth->city_determined, name, error))
        return -1;
    if (truth->locatable && !*truth->country && !*truth->city && !truth->has_position)
        return error_set(error, ERROR_INPUT,
                         "%s: no \"country\", no \"city\" and no \"lat\" and \"lon\", though the picture is "
                         "locatable",
                         name);
    return 0;
}

// A list of texts, or of objects with one; *given: whether there is a list.
static int take_texts(const json_t *row, const char *key, char ***texts, size_t *count, bool *given,
                      const char *name, struct error *error) {
    const json_t *list = json_object_get(row, key);
    size_t size = json_array_size(list);
    *given = json_is_array(list);
    if (list && !json_is_null(list) && (!*given || size > MOST_ENTITIES))
        return error_set(error, ERROR_INPUT, "%s: \"%s\" must be a list of at most %d", name, key,
                         (int)MOST_ENTITIES);
    if (size == 0) return 0;
    *texts = memory_new(size, sizeof **texts, key, error);
    if (!*texts) return -1;
    for (; *count < size; ++*count) {
        const json_t *entry = json_array_get(list, *count);
        const char *text = json_string_value(json_is_string(entry) ? entry : json_object_get(entry, "text"));
        if (!text) return error_set(error, ERROR_INPUT, "%s: \"%s\" holds one without a text", name, key);
        (*texts)[*count] = copy(text, error);
        if (!(*texts)[*count]) return -1;
    }
    return 0;
}

// ---- clues ----------------------------------------------------------------------------------------------

static int take_clue_text(const json_t *entry, const char *key, char **text, const char *name,
                          struct error *error) {
    const char *value = "";
    if (json_get_string(entry, key, &value, name, error)) return -1;
    *text = copy(value, error);
    return *text ? 0 : -1;
}

// "FR" or "Kyoto, JP".
static bool is_clue_place(const char *text) {
    size_t length = text ? strlen(text) : 0;
    if (length < 2 || length > 200) return false;
    const char *code = text + length - 2;
    return isupper((unsigned char)code[0]) && isupper((unsigned char)code[1]) &&
           (length == 2 || (length > 4 && code[-1] == ' ' && code[-2] == ','));
}

static int take_clue(struct truth_clue *clue, const json_t *entry, const char *name, struct error *error) {
    const json_t *places = json_object_get(entry, "places");
    size_t count = json_array_size(places);
    if (!json_is_object(entry) || !json_is_string(json_object_get(entry, "text")))
        return error_set(error, ERROR_INPUT, "%s: \"clues\" holds one without a text", name);
    if (take_clue_text(entry, "text", &clue->thing, name, error) ||
        take_clue_text(entry, "detail", &clue->detail, name, error) ||
        take_clue_text(entry, "says", &clue->says, name, error) ||
        take_clue_text(entry, "language", &clue->language, name, error))
        return -1;
    clue->anywhere = !places || json_is_null(places);
    if (clue->anywhere) return 0;
    if (!json_is_array(places) || count == 0 || count > MOST_PLACES)
        return error_set(error, ERROR_INPUT, "%s: \"places\" of a clue must be a list of 1 to %d", name,
                         (int)MOST_PLACES);
    clue->places = memory_new(count, sizeof *clue->places, "clues", error);
    if (!clue->places) return -1;
    for (; clue->place_count < count; clue->place_count++) {
        const char *text = json_string_value(json_array_get(places, clue->place_count));
        if (!is_clue_place(text))
            return error_set(error, ERROR_INPUT,
                             "%s: \"places\" of a clue holds one that is not like \"FR\" or \"Kyoto, JP\"",
                             name);
        clue->places[clue->place_count] = copy(text, error);
        if (!clue->places[clue->place_count]) return -1;
    }
    return 0;
}

static int take_clues(struct truth *truth, const json_t *row, const char *name, struct error *error) {
    const json_t *list = json_object_get(row, "clues");
    size_t size = json_array_size(list);
    truth->has_clues = json_is_array(list);
    if (list && !json_is_null(list) && (!truth->has_clues || size > MOST_CLUES))
        return error_set(error, ERROR_INPUT, "%s: \"clues\" must be a list of at most %d", name,
                         (int)MOST_CLUES);
    if (size == 0) return 0;
    truth->clues = memory_new(size, sizeof *truth->clues, "clues", error);
    for (; truth->clues && truth->clue_count < size; truth->clue_count++) {
        struct truth_clue *clue = &truth->clues[truth->clue_count];
        if (take_clue(clue, json_array_get(list, truth->clue_count), name, error)) {
            truth->clue_count++; // what it has is freed with the others
            return -1;
        }
    }
    return truth->clues ? 0 : -1;
}

static int take_group(struct truth *truth, const json_t *row, const char *key, const char *name,
                      struct error *error) {
    const json_t *value = key ? json_object_get(row, key) : NULL;
    if (key && !value) return error_set(error, ERROR_INPUT, "%s: no \"%s\" to group by", name, key);
    char *other = value && !json_is_string(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const char *text = other ? other : value ? json_string_value(value) : "";
    truth->group = text ? copy(text, error) : NULL;
    free(other);
    return truth->group ? 0 : error_set(error, ERROR_MEMORY, "%s: out of memory", name);
}

// The one picture that a row of truth alone is of, as it names it.
static int take_photo(struct truth *truth, const json_t *row, const struct row_options *options,
                      const char *name, struct error *error) {
    const json_t *images, *first;
    const char *path = "";
    bool alone = options->chat == ROW_CHAT_NONE, numbered = options->images >= 0;
    if (alone && numbered) {
        if (options->images != 1)
            return error_set(error, ERROR_INPUT, "%s: %d pictures, expected one", name, options->images);
        path = "0";
    } else if (alone) {
        if (row_find_pictures(row, &images, error)) return error_prefix(error, "%s", name);
        first = json_is_array(images) ? json_array_get(images, 0) : images;
        if (json_is_object(first)) first = json_object_get(first, "path");
        if ((json_is_array(images) && json_array_size(images) != 1) || !json_is_string(first))
            return error_set(error, ERROR_INPUT, "%s: \"images\" must be a list of one path", name);
        path = json_string_value(first);
        if (!*path || strlen(path) != json_string_length(first))
            return error_set(error, ERROR_INPUT, "%s: \"images\" holds no path", name);
    }
    truth->photo = copy(path, error);
    return truth->photo ? 0 : -1;
}

int truth_take(struct truth *truth, const json_t *row, const struct row_options *options, const char *name,
               struct error *error) {
    const char *response = "";
    *truth = (struct truth){0};
    if (take_photo(truth, row, options, name, error) || take_place(truth, row, options, name, error) ||
        take_texts(row, "entities", &truth->entities, &truth->entity_count, &truth->has_entities, name,
                   error) ||
        take_texts(row, "elements", &truth->elements, &truth->element_count, &truth->has_elements, name,
                   error) ||
        take_clues(truth, row, name, error) || take_group(truth, row, options->group, name, error))
        return -1;
    const json_t *text = json_object_get(row, "response");
    if (json_is_string(text)) response = json_string_value(text); // a list of parts is a conversation's
    truth->response = copy(response, error);
    return truth->response ? 0 : -1;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; i < count; i++) free(texts[i]);
    free(texts);
}

void truth_clear(struct truth *truth) {
    free_texts(truth->entities, truth->entity_count);
    free_texts(truth->elements, truth->element_count);
    for (size_t i = 0; i < truth->clue_count; i++) {
        struct truth_clue *clue = &truth->clues[i];
        free_texts(clue->places, clue->place_count);
        free(clue->thing), free(clue->detail), free(clue->says), free(clue->language);
    }
    free(truth->clues);
    free(truth->photo), free(truth->country), free(truth->city), free(truth->region);
    free(truth->solution), free(truth->response), free(truth->group);
    *truth = (struct truth){0};
}

// ---- rows of pictures that are looked at ----------------------------------------------------------------

static int add_truth(struct truth_list *list, struct truth *truth, const char *name, struct error *error) {
    if (name_map_find(&list->by_photo, truth->photo, NULL))
        return error_set(error, ERROR_INPUT, "%s: %s is there twice", name, truth->photo);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct truth *grown = memory_grow(list->rows, capacity, sizeof *grown, "truth", error);
        if (!grown) return -1;
        list->rows = grown;
        list->capacity = capacity;
    }
    if (name_map_add(&list->by_photo, truth->photo, list->count, error)) return -1;
    list->rows[list->count++] = *truth;
    *truth = (struct truth){0};
    return 0;
}

static int add_row(struct truth_list *list, const struct row_files *files, size_t number,
                   const char *group_by, struct row_unknown *unknown, struct error *error) {
    char name[sizeof error->message];
    row_files_describe(files, number, name, sizeof name);
    const struct row_options options = {
        .chat = ROW_CHAT_NONE, .truth = true, .group = group_by, .name = name};
    struct row_notes notes = {.count = 0};
    struct row row;
    if (row_files_read(files, number, options, &row, &notes, error)) return -1;
    row_unknown_add(unknown, &notes, number);
    bool packed = row_files_in_shard(files, number);
    char *path = packed ? copy(name, error) : row_files_picture_path(files, number, row.truth.photo, error);
    if (packed) row.truth.shard = files;
    row.truth.row = number;
    int result = path ? 0 : -1;
    if (path) {
        free(row.truth.photo);
        row.truth.photo = path;
        result = add_truth(list, &row.truth, name, error);
    }
    row_free(&row);
    return result;
}

// Its rows' pictures are read from it.
static int keep_shard(struct truth_list *list, struct row_files *files, struct error *error) {
    struct row_files **grown =
        memory_grow(list->shards, list->shard_count + 1, sizeof(struct row_files *), "truth", error);
    if (!grown) return -1;
    list->shards = grown;
    list->shards[list->shard_count++] = files;
    return 0;
}

int truth_read(struct truth_list *list, const char *path, const char *group_by, size_t limit,
               struct error *error) {
    char *paths[] = {(char *)(uintptr_t)path};
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0) return 0;
    struct row_files *files = row_files_open(paths, 1, error);
    if (!files) return -1;
    struct row_unknown unknown = {.count = 0};
    int result = 0;
    size_t before = list->count;
    bool kept = false;
    for (size_t i = 0; i < row_files_count(files) && list->count < limit && result == 0; i++)
        result = add_row(list, files, i, group_by, &unknown, error);
    if (result == 0) row_unknown_report(&unknown, files);
    for (size_t i = before; result == 0 && i < list->count; i++) kept = kept || list->rows[i].shard;
    if (kept) result = keep_shard(list, files, error);
    if (!kept || result) row_files_close(files);
    return result;
}

int truth_picture(const struct truth *truth, struct photo_source *source, struct error *error) {
    struct row_picture picture;
    if (!truth->shard) return photo_source_open(source, truth->photo, NULL, SIZE_MAX, error);
    *source = (struct photo_source){0};
    if (row_files_picture(truth->shard, truth->row, "0", &picture, error)) return -1;
    source->data = picture.copy; // taken over
    source->length = picture.length;
    source->name = copy(truth->photo, error);
    if (source->name) return 0;
    photo_source_close(source);
    return -1;
}

void truth_free(struct truth_list *list) {
    for (size_t i = 0; i < list->count; i++) truth_clear(&list->rows[i]);
    for (size_t i = 0; i < list->shard_count; i++) row_files_close(list->shards[i]);
    free(list->shards);
    free(list->rows);
    name_map_free(&list->by_photo);
    *list = (struct truth_list){0};
}
