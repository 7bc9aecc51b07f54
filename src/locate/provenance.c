#include "locate/provenance.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/installed.h"
#include "engine/endpoint_url.h"
#include "model/hub.h"

enum { SMALL_FILE = 16 << 20, HEADER = 1 << 20, BLOCKS = 64, BLOCK = 4096 };
enum { SIGNIFICANT_DIGITS = 12 }; // as in a record (writer_json.c)

// ---- models ---------------------------------------------------------------------------------------------

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), wanted = strlen(ending);
    return length > wanted && strcmp(name + length - wanted, ending) == 0;
}

static int is_part(const struct dirent *entry) {
    static const char *const endings[] = {".json", ".jinja", ".txt", ".safetensors", ".model"};
    if (entry->d_name[0] == '.') return 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(entry->d_name, endings[i])) return 1;
    return 0;
}

static void add_stretch(struct hash *hash, int fd, off_t from, size_t length) {
    char piece[BLOCK];
    while (length > 0) {
        ssize_t got = pread(fd, piece, length < sizeof piece ? length : sizeof piece, from);
        if (got <= 0) return; // it shrank
        hash_add(hash, piece, (size_t)got);
        from += got;
        length -= (size_t)got;
    }
}

static void add_part(struct hash *hash, const char *path, const char *name) {
    char line[sizeof((struct dirent *)0)->d_name + 32];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        if (fd >= 0) close(fd);
        return; // opening the model tells
    }
    int length = snprintf(line, sizeof line, "%s %lld\n", name, (long long)status.st_size);
    hash_add(hash, line, (size_t)length);
    if (status.st_size <= SMALL_FILE) {
        add_stretch(hash, fd, 0, (size_t)status.st_size);
    } else {
        add_stretch(hash, fd, 0, HEADER);
        for (off_t i = 0; i < BLOCKS; i++)
            add_stretch(hash, fd, (status.st_size - BLOCK) / (BLOCKS - 1) * i, BLOCK);
    }
    close(fd);
}

static int compare_entries(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name); // not alphasort: the locale must not matter
}

int provenance_hash_model(const char *folder, char text[HASH_TEXT], struct error *error) {
    struct dirent **parts = NULL;
    text[0] = 0;
    int count = scandir(folder, &parts, is_part, compare_entries);
    if (count < 0) return error_set_errno(error, folder, "cannot read the folder");
    struct hash *hash = hash_new(error);
    for (int i = 0; i < count; i++) {
        char *path = hash ? file_join(folder, parts[i]->d_name, error) : NULL;
        if (path) add_part(hash, path, parts[i]->d_name);
        free(path);
        free(parts[i]);
    }
    free(parts);
    return hash_end(hash, text, error);
}

// ---- settings -------------------------------------------------------------------------------------------

struct making {
    json_t *settings;
    bool failed;
};

static void set(struct making *making, const char *key, json_t *value) {
    if (json_object_set_new(making->settings, key, value)) making->failed = true;
}

static void set_number(struct making *making, const char *key, double value) {
    set(making, key, json_real(value));
}

static void set_count(struct making *making, const char *key, size_t value) {
    set(making, key, json_integer((json_int_t)value));
}

// Texts that JSON cannot spell, or that --precision is to keep out, are told by their hash.
static void set_text(struct making *making, const char *key, const char *text, bool hide) {
    json_t *value = !text ? json_null() : hide ? NULL : json_string(text);
    char hash[HASH_TEXT];
    if (!value && text && hash_bytes(text, strlen(text), hash, NULL) == 0)
        value = json_sprintf("sha256:%s", hash);
    set(making, key, value);
}

// NAME is a folder, or of the hub's cache. "" in `hash` when there is none, which opening it tells.
static void hash_named_model(const char *name, const char *option, char hash[HASH_TEXT]) {
    struct error ignored = {0};
    char *folder = hub_find(name, option, NULL, &ignored);
    hash[0] = 0;
    if (folder) provenance_hash_model(folder, hash, &ignored);
    free(folder);
}

static void set_adapter(struct making *making, const char *name) {
    char hash[HASH_TEXT] = "";
    if (name) hash_named_model(name, "--adapter", hash);
    set(making, "adapter", hash[0] ? json_sprintf("sha256:%s", hash) : json_null());
}

// Said only where one is asked: records of before know of none.
static void set_reward(struct making *making, const struct session_options *options) {
    const struct endpoint_options *endpoint = &options->locatability_endpoint;
    char hash[HASH_TEXT] = "";
    if (!endpoint->url && !options->locatability) return;
    if (endpoint->url) {
        char *shown = endpoint_url_show(endpoint->url);
        set(making, "locatability", json_sprintf("%s %s", shown ? shown : "", endpoint->model));
        free(shown);
    } else {
        hash_named_model(options->locatability, "--locatability", hash);
        set(making, "locatability", hash[0] ? json_sprintf("sha256:%s", hash) : json_null());
    }
    set_number(making, "locatability-below", options->locatability_below);
}

// A model's own calibration is in the model's hash.
static void set_calibration(struct making *making, const char *path) {
    char hash[HASH_TEXT];
    if (path && hash_file(path, hash, NULL) == 0) set(making, "calibration", json_sprintf("sha256:%s", hash));
}

static void set_gazetteer(struct making *making, const struct session_options *options) {
    struct gazetteer_info info;
    struct gazetteer *gazetteer = options->no_gazetteer ? NULL : gazetteer_open(options->gazetteer, NULL);
    if (gazetteer && gazetteer_get_info(gazetteer, &info, NULL) == 0)
        set(making, "gazetteer",
            json_sprintf("version %d, %lld places, %lld names; %s", info.version, (long long)info.places,
                         (long long)info.names, info.source));
    else
        set(making, "gazetteer", json_null());
    const char *path = gazetteer ? gazetteer_path(gazetteer) : options->gazetteer;
    char text[HASH_TEXT]; // one that was edited has the same numbers
    struct hash *hash = path && !options->no_gazetteer ? hash_new(NULL) : NULL;
    if (hash) add_part(hash, path, "gazetteer");
    if (hash && hash_end(hash, text, NULL) == 0)
        set(making, "gazetteer-file", json_sprintf("sha256:%s", text));
    gazetteer_close(gazetteer);
}

static int set_prompt(struct making *making, const struct session_options *options, struct error *error) {
    const char *name = session_prompt(options);
    struct locate_prompt prompt;
    char hash[HASH_TEXT];
    if (locate_prompt_open(&prompt, name, options->hint, error)) return -1;
    int result = hash_bytes(prompt.text, strlen(prompt.text), hash, error);
    locate_prompt_free(&prompt);
    set(making, "prompt", json_sprintf("sha256:%s", hash));
    return result;
}

// The rule of session.c, which asks the checkpoint for the repetition penalty: that one is in the model's
// hash.
static double temperature_of(const struct session_options *options) {
    return options->temperature >= 0 ? options->temperature
           : options->compat         ? 0.1
           : options->samples > 1    ? 1.0
                                     : 0.0;
}

static void set_sampling(struct making *making, const struct session_options *options) {
    const struct sampling *sampling = &options->sampling;
    set_count(making, "samples", options->samples);
    set_count(making, "max-tokens", options->max_tokens);
    set_number(making, "temperature", temperature_of(options));
    set_number(making, "top-p", sampling->top_p);
    set_count(making, "top-k", (size_t)sampling->top_k);
    set_number(making, "min-p", sampling->min_p);
    set_number(making, "repetition-penalty", options->repetition_penalty);
    set_number(making, "frequency-penalty", sampling->frequency_penalty);
    set_number(making, "presence-penalty", sampling->presence_penalty);
}

static void set_engine(struct making *making, const struct session_options *options) {
    static const char *const types[] = {"auto", "f32", "bf16"}; // enum model_type
    const struct endpoint_options *endpoint = &options->endpoint;
    set_count(making, "min-pixels", options->local.min_pixels);
    set_count(making, "max-pixels", endpoint->url ? endpoint->max_pixels : options->local.max_pixels);
    if (!endpoint->url) {
        set_text(making, "dtype", types[options->local.type], false);
        set_adapter(making, options->local.adapter);
        return;
    }
    char *shown = endpoint_url_show(endpoint->url);
    set_text(making, "endpoint", shown ? shown : "", false);
    set_text(making, "model", endpoint->model ? endpoint->model : "", false);
    free(shown);
}

static int fill(struct making *making, const struct session_options *options, enum writer_precision precision,
                struct error *error) {
    if (set_prompt(making, options, error)) return -1;
    set_text(making, "hint", options->hint, precision != PRECISION_FULL);
    if (options->hint_file) set_text(making, "hint-file", options->hint_file, false);
    set_text(making, "system", options->system, precision != PRECISION_FULL);
    set(making, "compat", json_boolean(options->compat));
    set_sampling(making, options);
    set_number(making, "abstain-below", options->abstain_below);
    set(making, "finest", json_boolean(options->finest));
    set_number(making, "cluster-km", options->cluster_km);
    set_count(making, "alternatives", options->alternatives);
    set_text(making, "precision", writer_precision_names[precision], false);
    set_gazetteer(making, options);
    set_calibration(making, options->calibration);
    set_engine(making, options);
    set_reward(making, options);
    return making->failed ? error_set(error, ERROR_MEMORY, "settings: out of memory") : 0;
}

// In the order of the keys' names: what the settings are, not how the program is written.
static int hash_settings(struct provenance *provenance, struct error *error) {
    char *text = json_dumps(provenance->settings,
                            JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(SIGNIFICANT_DIGITS));
    struct buffer all = {0};
    buffer_format(&all, "%s %llu", text ? text : "", (unsigned long long)provenance->seed);
    int result = text && !all.failed ? hash_bytes(all.data, all.length, provenance->settings_hash, error)
                                     : error_set(error, ERROR_MEMORY, "settings: out of memory");
    buffer_free(&all);
    free(text);
    return result;
}

static void hash_own_model(struct provenance *provenance, const struct session_options *options) {
    if (options->endpoint.url) return;
    if (options->model) {
        hash_named_model(options->model, "--model", provenance->model_hash);
        return;
    }
    char *config = installed_find("models/postcards/config.json", NULL);
    char *embedded = config ? file_folder(config, NULL) : NULL;
    if (embedded) provenance_hash_model(embedded, provenance->model_hash, NULL);
    free(embedded);
    free(config);
}

int provenance_make(struct provenance *provenance, const struct session_options *options,
                    enum writer_precision precision, struct error *error) {
    *provenance = (struct provenance){
        .settings = json_object(), .seed = options->sampling.seed, .explain = options->explain != NULL};
    struct making making = {provenance->settings, !provenance->settings};
    hash_own_model(provenance, options);
    if (fill(&making, options, precision, error) == 0 && hash_settings(provenance, error) == 0) return 0;
    provenance_free(provenance);
    return -1;
}

void provenance_free(struct provenance *provenance) {
    json_decref(provenance->settings);
    *provenance = (struct provenance){0};
}

// ---- records --------------------------------------------------------------------------------------------

static json_t *text_or_null(const char *text) {
    return text && *text ? json_string(text) : json_null();
}

int64_t provenance_photo_time(const char *photo) {
    struct stat status;
    if (stat(photo, &status) || !S_ISREG(status.st_mode)) return 0;
    return (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

bool provenance_photo_differs(const char *photo, int64_t photo_modified, const char *photo_hash) {
    struct error ignored = {0};
    char hash[HASH_TEXT];
    int64_t now = provenance_photo_time(photo);
    if (!now || now == photo_modified || !photo_hash || !*photo_hash) return false;
    return hash_file(photo, hash, &ignored) == 0 && strcmp(hash, photo_hash) != 0;
}

json_t *provenance_to_json(const struct provenance *provenance, const char *model,
                           const struct verdict *verdict) {
    json_t *modified = verdict->photo_modified ? json_integer(verdict->photo_modified) : json_null();
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:O, s:I, s:b}", "version", GLOBE_VERSION, "model",
                     text_or_null(model), "model_hash", text_or_null(provenance->model_hash), "photo_sha256",
                     text_or_null(verdict->photo_sha256), "photo_modified", modified, "hint_sha256",
                     text_or_null(verdict->hint_sha256), "settings_hash", provenance->settings_hash,
                     "settings", provenance->settings, "seed", (json_int_t)provenance->seed, "explain",
                     provenance->explain);
}

static void begin_item(struct buffer *out, const char *key) {
    buffer_format(out, "%s%s", out->length ? "; " : "", key);
}

static void add_value(struct buffer *out, const json_t *value) {
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) : NULL;
    buffer_format(out, "%.60s", text ? text : "not there");
    free(text);
}

static bool is_equal(const json_t *a, const json_t *b) {
    if (!json_is_number(a) || !json_is_number(b)) return json_equal(a, b);
    double one = json_number_value(a), other = json_number_value(b);
    return fabs(one - other) <= 1e-11 * fmax(fabs(one), fabs(other));
}

static void compare_key(struct buffer *out, const char *key, const json_t *theirs, const json_t *ours) {
    if (is_equal(theirs, ours)) return;
    begin_item(out, key);
    const char *text = json_string_value(ours ? ours : theirs);
    if (text && strncmp(text, "sha256:", 7) == 0) {
        buffer_add_text(out, " differs");
        return;
    }
    buffer_add_text(out, " ");
    add_value(out, theirs);
    buffer_add_text(out, ", now ");
    add_value(out, ours);
}

void provenance_compare(const struct provenance *provenance, const json_t *record, struct buffer *out) {
    const char *model = json_string_value(json_object_get(record, "model_hash"));
    const char *hash = json_string_value(json_object_get(record, "settings_hash"));
    if (strcmp(model ? model : "", provenance->model_hash) != 0) {
        begin_item(out, "model");
        const char *name = json_string_value(json_object_get(record, "model"));
        buffer_format(out, " %.60s, now another one", name ? name : "unknown");
    }
    if (hash && strcmp(hash, provenance->settings_hash) == 0) return;
    size_t before = out->length;
    json_t *seed = json_integer((json_int_t)provenance->seed);
    json_t *settings = json_object_get(record, "settings");
    compare_key(out, "seed", json_object_get(record, "seed"), seed);
    json_decref(seed);
    const char *key;
    json_t *value;
    json_object_foreach(provenance->settings, key, value)
        compare_key(out, key, json_object_get(settings, key), value);
    json_object_foreach(settings, key, value) if (!json_object_get(provenance->settings, key))
        compare_key(out, key, value, NULL);
    if (out->length == before) begin_item(out, "settings differ");
}
