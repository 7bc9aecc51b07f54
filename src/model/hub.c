#include "model/hub.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { MOST = 1024 }; // of a path in the cache

// "owner/name" with the characters that the hub allows.
static bool is_hub_name(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t owner = strspn(name, allowed);
    if (!owner || name[0] == '.' || name[owner] != '/') return false;
    const char *rest = name + owner + 1;
    size_t length = strspn(rest, allowed);
    return length > 0 && rest[0] != '.' && !rest[length] && strlen(name) <= 200;
}

// Where the hub's own library looks, in its order.
static void find_cache(char cache[MOST]) {
    static const struct {
        const char *variable, *below;
    } places[] = {{"HF_HUB_CACHE", ""},
                  {"HUGGINGFACE_HUB_CACHE", ""},
                  {"HF_HOME", "/hub"},
                  {"XDG_CACHE_HOME", "/huggingface/hub"},
                  {"HOME", "/.cache/huggingface/hub"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable);
        if (!value || !*value) continue;
        snprintf(cache, MOST, "%s%s", value, places[i].below);
        return;
    }
    cache[0] = 0;
}

// FOLDER/NAME of the only entry, "" when there is another number of them.
static void find_only_entry(char *path, size_t size, const char *folder) {
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;
    path[0] = 0;
    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.' && count++ == 0) snprintf(path, size, "%s/%s", folder, entry->d_name);
    if (directory) closedir(directory);
    if (count != 1) path[0] = 0;
}

// CACHE/models--OWNER--NAME/snapshots/COMMIT, the commit being that of the main branch.
static bool find_snapshot(const char *cache, const char *name, char *path, size_t size) {
    char repository[MOST + 256], file[MOST + 300];
    const char *slash = strchr(name, '/');
    snprintf(repository, sizeof repository, "%s/models--%.*s--%s", cache, (int)(slash - name), name,
             slash + 1);
    snprintf(file, sizeof file, "%s/refs/main", repository);
    char *commit = file_exists(file) ? file_read(file, 256, NULL, NULL) : NULL;
    if (commit) {
        commit[strcspn(commit, " \r\n")] = 0;
        bool plain = *commit && !strchr(commit, '/') && commit[0] != '.';
        snprintf(path, size, "%s/snapshots/%s", repository, plain ? commit : "?");
        free(commit);
        if (file_is_directory(path)) return true;
    }
    snprintf(file, sizeof file, "%s/snapshots", repository);
    find_only_entry(path, size, file);
    return *path && file_is_directory(path);
}

static char *refuse_file(const char *name, const char *option, struct error *error) {
    const char *dot = strrchr(name, '.');
    error_set(error, ERROR_MODEL,
              "%s: a file; %s wants the folder around it, as published on the hub, with config.json and "
              "safetensors weights%s",
              name, option, dot && strcmp(dot, ".gguf") == 0 ? " (GGUF is not supported)" : "");
    return NULL;
}

char *hub_find(const char *name, const char *option, struct warnings *warnings, struct error *error) {
    if (file_is_directory(name)) return memory_copy_string(name, strlen(name), error);
    if (file_exists(name)) return refuse_file(name, option, error);
    if (!is_hub_name(name)) {
        error_set(error, ERROR_MODEL, "%s: no such folder", name);
        return NULL;
    }
    char cache[MOST], path[2 * MOST];
    find_cache(cache);
    if (*cache && find_snapshot(cache, name, path, sizeof path)) {
        warnings_add(warnings, "%s %s is no folder here; the copy in the Hugging Face cache is used: %s",
                     option, name, path);
        return memory_copy_string(path, strlen(path), error);
    }
    error_set(error, ERROR_MODEL,
              "%s: no such folder, and not in the Hugging Face cache (%s). Nothing is downloaded here: "
              "huggingface-cli "
              "download %s --local-dir DIR, then %s DIR",
              name, *cache ? cache : "none", name, option);
    return NULL;
}

void hub_short_name(const char *name, char *text, size_t size) {
    const char *cached = strstr(name, "models--");
    const char *owner_end = cached ? strstr(cached + strlen("models--"), "--") : NULL;
    if (owner_end) {
        snprintf(text, size, "%.*s", (int)strcspn(owner_end + 2, "/"), owner_end + 2);
        return;
    }
    size_t length = strlen(name);
    while (length && name[length - 1] == '/') length--;
    size_t start = length;
    while (start && name[start - 1] != '/') start--;
    snprintf(text, size, "%.*s", (int)(length - start), name + start);
}
