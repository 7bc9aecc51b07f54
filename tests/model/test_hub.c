// Names of models that are no folders: the hub's cache, and what to do when it has none.
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/hub.h"

static void make(const char *path) {
    assert_int_equal(mkdir(path, 0777), 0);
}

static void clear_places(void) {
    static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
                                            "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
}

static void the_cache_is_used(void **state) {
    (void)state;
    static const char name[] = "org/Some-Model";
    struct error error = {0};
    struct warnings warnings = {0};
    clear_places();
    setenv("HF_HOME", test_temporary("home"), 1);
    assert_error(!hub_find(name, "--model", &warnings, &error), error, ERROR_MODEL,
                 "org/Some-Model: no such folder, and not in the Hugging Face cache");
    assert_non_null(
        strstr(error.message, "huggingface-cli download org/Some-Model --local-dir DIR, then --model DIR"));
    make(test_temporary("home"));
    make(test_temporary("home/hub"));
    make(test_temporary("home/hub/models--org--Some-Model"));
    make(test_temporary("home/hub/models--org--Some-Model/snapshots"));
    make(test_temporary("home/hub/models--org--Some-Model/snapshots/abc"));
    char *found = hub_find(name, "--model", &warnings, &error);
    assert_got(found, error);
    assert_non_null(strstr(found, "/home/hub/models--org--Some-Model/snapshots/abc"));
    assert_non_null(strstr(warnings.lines,
                           "--model org/Some-Model is no folder here; the copy in the Hugging Face cache"));
    free(found);
    // Of several, the one of the main branch.
    make(test_temporary("home/hub/models--org--Some-Model/snapshots/def"));
    assert_null(hub_find(name, "--model", NULL, &error));
    make(test_temporary("home/hub/models--org--Some-Model/refs"));
    test_write(test_temporary("home/hub/models--org--Some-Model/refs/main"), "def\n", 4);
    found = hub_find(name, "--model", NULL, &error);
    assert_got(found, error);
    assert_string_equal(strrchr(found, '/'), "/def");
    char text[64];
    hub_short_name(found, text, sizeof text);
    assert_string_equal(text, "Some-Model");
    free(found);
    test_write(test_temporary("home/hub/models--org--Some-Model/refs/main"), "../..", 5);
    assert_null(hub_find(name, "--model", NULL, &error));
}

static void other_names_are_explained(void **state) {
    (void)state;
    struct error error = {0};
    clear_places();
    test_write(test_temporary("model.gguf"), "GGUF", 4);
    assert_error(!hub_find(test_temporary("model.gguf"), "--model", NULL, &error), error, ERROR_MODEL,
                 "(GGUF is not supported)");
    assert_error(!hub_find("/no/where", "--model", NULL, &error), error, ERROR_MODEL,
                 "/no/where: no such folder");
    assert_error(!hub_find("../up", "--adapter", NULL, &error), error, ERROR_MODEL, "../up: no such folder");
    const char *folder = test_temporary("here");
    make(folder);
    char *found = hub_find(folder, "--model", NULL, &error);
    assert_got(found, error);
    assert_string_equal(found, folder);
    free(found);
    char text[64];
    hub_short_name("/a/b/Model-3B/", text, sizeof text);
    assert_string_equal(text, "Model-3B");
    hub_short_name("Qwen/Qwen2.5-VL-7B-Instruct", text, sizeof text);
    assert_string_equal(text, "Qwen2.5-VL-7B-Instruct");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_is_used),
        cmocka_unit_test(other_names_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
