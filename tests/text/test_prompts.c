// What the model is asked, byte for byte.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/prompts.h"

// Copies of the released texts, line by line: dataset.py's and eval.py's two.
static const char training_prompt[] =
    "You are a geolocation expert. You are participating in a geolocation challenge. Based on the provided "
    "image:\n"
    "1. Carefully analyze the image for clues about its location (architecture, signage, vegetation, "
    "terrain, etc.)\n"
    "2. Think step-by-step about what country, and city this is likely to be in and why\n"
    "\n"
    "Your final answer include these two lines somewhere in your response:\n"
    "country: [country name]\n"
    "city: [city name]\n"
    "\n"
    "You MUST output the thinking process in <think> </think> and give answer in <answer> </answer> tags.";

static const char evaluation_prompt[] =
    "You are participating in a geolocation challenge. Based on the provided image:\n"
    "1. Carefully analyze the image for clues about its location (architecture, signage, vegetation, "
    "terrain, etc.)\n"
    "2. Think step-by-step about what country, and city this is likely to be in and why\n"
    "Your final answer include these two lines somewhere in your response:\n"
    "country: [country name]\n"
    "city: [city name]\n"
    "\n"
    "You MUST output the thinking process in <think> </think> and give answer in <answer> </answer> tags.";

static const char direct_prompt[] = "Based on the provided image, please output its location (country and "
                                    "city) directly without any explanation.\n"
                                    "Your final answer include these two lines in your response:\n"
                                    "country: [country name]\n"
                                    "city: [city name]";

static void assert_prompt(const char *name, const char *hint, const char *text, bool reasoning) {
    struct error error = {0};
    struct locate_prompt prompt;
    assert_ok(locate_prompt_open(&prompt, name, hint, &error), error);
    assert_string_equal(prompt.text, text);
    assert_int_equal(prompt.reasoning, reasoning);
    locate_prompt_free(&prompt);
    assert_null(prompt.text);
    locate_prompt_free(&prompt);
}

static void refuse(const char *name, enum error_code code, const char *message) {
    struct error error = {0};
    struct locate_prompt prompt;
    assert_error(locate_prompt_open(&prompt, name, NULL, &error), error, code, message);
    assert_non_null(strstr(error.message, name));
}

static void test_official_prompts(void **state) {
    (void)state;
    assert_prompt("globe", NULL, training_prompt, true);
    assert_prompt("compat-eval", NULL, evaluation_prompt, true);
    assert_prompt("direct", NULL, direct_prompt, false);
    assert_prompt("direct", "", direct_prompt, false);
}

static void test_hint(void **state) {
    (void)state;
    char expected[1024];
    snprintf(expected, sizeof expected, "%s\n\nWhat is known about the photo: a trip to the %%s Balkans",
             direct_prompt);
    assert_prompt("direct", "a trip to the %s Balkans", expected, false);
}

static const char *write_prompt(const char *name, const char *text, size_t length) {
    const char *path = test_temporary("%s", name);
    test_write(path, text, length);
    return path;
}

static void test_file(void **state) {
    (void)state;
    static const char text[] =
        "Where is this?\n\n  Answer  in two lines. \xE2\x80\x9Cyes\xE2\x80\x9D %d \r\n \t\n";
    assert_prompt(write_prompt("prompt.txt", text, sizeof text - 1), NULL,
                  "Where is this?\n\n  Answer  in two lines. \xE2\x80\x9Cyes\xE2\x80\x9D %d", true);
    assert_prompt(write_prompt("short.txt", "?", 1), "Spain", "?\n\nWhat is known about the photo: Spain",
                  true);
    // A file is not an official prompt only because its name is.
    assert_prompt(write_prompt("globe", "mine", 4), NULL, "mine", true);
}

static void test_bad_files(void **state) {
    (void)state;
    refuse("glob", ERROR_INPUT, "neither globe, compat-eval or direct nor a readable file");
    refuse("/nowhere/prompt.txt", ERROR_INPUT, "No such file");
    refuse("", ERROR_INPUT, "prompt \"\" is neither");
    refuse(test_temporary("%s", ""), ERROR_INPUT, "is a folder");
    refuse(write_prompt("empty.txt", "", 0), ERROR_INPUT, "the prompt file is empty");
    refuse(write_prompt("blank.txt", " \n\t\r\n", 5), ERROR_INPUT, "the prompt file is empty");
    refuse(write_prompt("nul.txt", "Where\0is it?", 12), ERROR_INPUT, "NUL byte");
    refuse(write_prompt("end.txt", "Where is it?", 13), ERROR_INPUT, "NUL byte");
    refuse(write_prompt("latin1.txt", "O\xF9 est-ce ?", 11), ERROR_INPUT, "UTF-8");
    size_t much = (1 << 20) + 1;
    char *text = malloc(much);
    memset(text, 'a', much);
    refuse(write_prompt("long.txt", text, much), ERROR_LIMIT, "1048577 bytes");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_official_prompts),
        cmocka_unit_test(test_hint),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
