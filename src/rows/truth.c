#include "rows/truth.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "rows/row_internal.h"

enum { LINE_LIMIT = 16 << 20, MOST_ENTITIES = 10000 };

static char *copy(const char *text, struct error *error) {
    return memory_copy_string(text, strlen(text), error);
}

// A name; what stands for none becomes "".
static char *take_name(const json_t *row, const char *key, const char *name, struct error *error) {
    const char *text = "";
    if (json_get_string(row, key, &text, name, error)) return NULL;
    return copy(strcmp(text, "unknown") == 0 ? "" : text, error);
}

static int take_photo(struct truth *truth, const json_t *row, const char *folder, const char *name,
                      struct error *error) {
    const json_t *images, *first;
    if (row_find_pictures(row, &images, error)) return error_prefix(error, "%s", name);
    first = json_is_array(images) ? json_array_get(images, 0) : images;
    if (json_is_object(first)) first = json_object_get(first, "path");
    if ((json_is_array(images) && json_array_size(images) != 1) || !json_is_string(first))
        return error_set(error, ERROR_INPUT, "%s: \"images\" must be a list of one path", name);
    const char *path = json_string_value(first);
    if (!*path || strlen(path) != json_string_length(first))
        return error_set(error, ERROR_INPUT, "%s: \"images\" holds no path", name);
    truth->photo = file_join(folder, path, error);
    return truth->photo ? 0 : -1;
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

static int take_place(struct truth *truth, const json_t *row, const char *name, struct error *error) {
    static const char *const latitudes[] = {"lat", "latitude", NULL}, *const longitudes[] = {
                                                                          "lon", "longitude", "lng", NULL};
    const char *code = "";
    double lat = NAN, lon = NAN;
    truth->country = take_name(row, "country", name, error);
    truth->city = truth->country ? take_name(row, "city", name, error) : NULL;
    if (!truth->city || json_get_string(row, "country_code", &code, name, error) ||
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

static int take_entities(struct truth *truth, const json_t *row, const char *name, struct error *error) {
    const json_t *list = json_object_get(row, "entities");
    size_t count = json_array_size(list);
    truth->has_entities = json_is_array(list);
    if (list && !json_is_null(list) && (!truth->has_entities || count > MOST_ENTITIES))
        return error_set(error, ERROR_INPUT, "%s: \"entities\" must be a list of at most %d", name,
                         (int)MOST_ENTITIES);
    if (count == 0) return 0;
    truth->entities = memory_new(count, sizeof *truth->entities, "entities", error);
    if (!truth->entities) return -1;
    for (; truth->entity_count < count; truth->entity_count++) {
        const json_t *entity = json_array_get(list, truth->entity_count);
        const char *text =
            json_string_value(json_is_string(entity) ? entity : json_object_get(entity, "text"));
        if (!text) return error_set(error, ERROR_INPUT, "%s: \"entities\" holds one without a text", name);
        truth->entities[truth->entity_count] = copy(text, error);
        if (!truth->entities[truth->entity_count]) return -1;
    }
    return 0;
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

static void free_row(struct truth *truth) {
    for (size_t i = 0; i < truth->entity_count; i++) free(truth->entities[i]);
    free(truth->entities);
    free(truth->photo), free(truth->country), free(truth->city), free(truth->group);
}

static int add_row(struct truth_list *list, const json_t *row, const char *folder, const char *group_by,
                   const char *name, struct error *error) {
    struct truth truth = {0};
    if (!json_is_object(row)) return error_set(error, ERROR_INPUT, "%s: not an object", name);
    if (take_photo(&truth, row, folder, name, error) || take_place(&truth, row, name, error) ||
        take_entities(&truth, row, name, error) || take_group(&truth, row, group_by, name, error))
        goto failed;
    if (name_map_find(&list->by_photo, truth.photo, NULL)) {
        error_set(error, ERROR_INPUT, "%s: %s is there twice", name, truth.photo);
        goto failed;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct truth *grown = memory_grow(list->rows, capacity, sizeof *grown, "truth", error);
        if (!grown) goto failed;
        list->rows = grown;
        list->capacity = capacity;
    }
    if (name_map_add(&list->by_photo, truth.photo, list->count, error)) goto failed;
    list->rows[list->count++] = truth;
    return 0;
failed:
    free_row(&truth);
    return -1;
}

static int read_line(struct truth_list *list, const char *line, size_t length, const char *folder,
                     const char *group_by, const char *name, struct error *error) {
    if (length > LINE_LIMIT)
        return error_set(error, ERROR_LIMIT, "%s: %zu bytes, more than the %d of a row", name, length,
                         (int)LINE_LIMIT);
    json_t *row = json_read_buffer(line, length, name, error);
    int result = row ? add_row(list, row, folder, group_by, name, error) : -1;
    json_decref(row);
    return result;
}

int truth_read(struct truth_list *list, const char *path, const char *group_by, size_t limit,
               struct error *error) {
    char *folder = file_folder(path, error), *line = NULL;
    FILE *file = folder ? fopen(path, "r") : NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = file ? 0 : folder ? error_set_errno(error, path, "cannot open") : -1;
    while (result == 0 && list->count < limit && (length = getline(&line, &capacity, file)) >= 0) {
        char name[sizeof error->message];
        snprintf(name, sizeof name, "%s:%zu", path, ++number);
        if (strspn(line, " \t\r\n") < (size_t)length)
            result = read_line(list, line, (size_t)length, folder, group_by, name, error);
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    free(folder);
    if (file) fclose(file);
    return result;
}

void truth_free(struct truth_list *list) {
    for (size_t i = 0; i < list->count; i++) free_row(&list->rows[i]);
    free(list->rows);
    name_map_free(&list->by_photo);
    *list = (struct truth_list){0};
}
