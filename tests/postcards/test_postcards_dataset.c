#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "photo/decode.h"
#include "postcards/dataset.h"

enum { COUNT = 150 };
static struct error error;

static struct cards_options options_for(const char *folder) {
    return (struct cards_options){.folder = folder,
                                  .count = COUNT,
                                  .order = {.seed = 5, .difficulty = DIFFICULTY_MIXED},
                                  .width = 224,
                                  .threads = 1};
}

static void write_cards(const struct cards_options *options) {
    assert_ok(dataset_write(options, &error), error);
}

static char *read_all(size_t *length, const char *folder, const char *name) {
    char *path = file_join(folder, name, &error);
    char *data = file_read(path, 1 << 24, length, &error);
    assert_got(data, error);
    free(path);
    return data;
}

static char *read_card(size_t *length, const char *folder, uint64_t index) {
    char name[32], inside[64];
    dataset_name(name, index);
    snprintf(inside, sizeof inside, "cards/%s", name);
    return read_all(length, folder, inside);
}

static void assert_same_file(const char *a, const char *b, const char *name) {
    size_t length_a, length_b;
    char *data_a = read_all(&length_a, a, name), *data_b = read_all(&length_b, b, name);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(data_a, data_b, length_a);
    free(data_a), free(data_b);
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    static const char *const folders[] = {"one", "again", "threads"};
    char paths[3][512];
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", test_temporary("%s", folders[i]));
        struct cards_options options = options_for(paths[i]);
        options.threads = i == 2 ? 2 : 1;
        write_cards(&options);
    }
    for (int k = 1; k < 3; k++) {
        assert_same_file(paths[0], paths[k], "postcards.jsonl");
        assert_same_file(paths[0], paths[k], "naming.jsonl");
        for (uint64_t i = 0; i < COUNT; i++) {
            char name[32], inside[64];
            dataset_name(name, i);
            snprintf(inside, sizeof inside, "cards/%s", name);
            assert_same_file(paths[0], paths[k], inside);
        }
    }
}

static void a_part_equals_the_whole(void **state) {
    (void)state;
    struct cards_options whole = options_for(test_temporary("whole"));
    write_cards(&whole);
    struct cards_options part = options_for(test_temporary("part"));
    part.first = 100, part.count = 5;
    write_cards(&part);
    size_t a, b;
    char *in_whole = read_card(&a, whole.folder, 102), *in_part = read_card(&b, part.folder, 102);
    assert_int_equal(a, b);
    assert_memory_equal(in_whole, in_part, a);
    free(in_whole), free(in_part);
}

// --- rows

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    assert_non_null(text);
    return text;
}

static void check_row(const json_t *row, const char *folder, int64_t index) {
    char name[64], solution[256], end[256];
    snprintf(name, sizeof name, "cards/%06d.jpg", (int)index);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "images"), 0)), name);
    char *path = file_join(folder, name, &error);
    assert_true(file_exists(path));
    free(path);
    const char *country = text_of(row, "country"), *city = text_of(row, "city");
    snprintf(solution, sizeof solution, "<country>%s</country><city>%s</city>", country, city);
    assert_string_equal(text_of(row, "solution"), solution);
    const json_t *messages = json_object_get(row, "messages"), *user = json_array_get(messages, 0);
    assert_int_equal(json_array_size(messages), 2);
    const char *question = text_of(user, "content"),
               *answer = text_of(json_array_get(messages, 1), "content");
    assert_int_equal(strncmp(question, "<image>", 7), 0);
    assert_string_equal(question + 7, postcard_prompt);
    const char *response = text_of(row, "response");
    assert_int_equal(strncmp(answer, "<think>", 7), 0);
    assert_int_equal(strncmp(answer + 7, response, strlen(response)), 0);
    snprintf(end, sizeof end, "</think><answer>country: %s\ncity: ", country);
    assert_int_equal(strncmp(answer + 7 + strlen(response), end, strlen(end)), 0);
    assert_string_equal(answer + strlen(answer) - 9, "</answer>");
    bool locatable = json_is_true(json_object_get(row, "locatable"));
    assert_int_equal(json_is_real(json_object_get(row, "lat")), locatable);
    assert_int_equal(json_is_string(json_object_get(row, "country_code")), locatable);
    if (!locatable) assert_string_equal(country, "unknown");
    if (json_is_true(json_object_get(row, "city_determined")))
        assert_non_null(strstr(answer + 7 + strlen(response), city));
    assert_int_equal(json_integer_value(json_object_get(row, "index")), index);
    assert_int_equal(json_integer_value(json_object_get(row, "seed")), 5);
    assert_string_equal(text_of(row, "split"), "train");
    size_t i;
    json_t *entity;
    json_array_foreach(json_object_get(row, "entities"), i, entity) {
        double share = json_number_value(json_object_get(entity, "share"));
        assert_true(*text_of(entity, "text") && share > 0 && share <= 1);
    }
    assert_true(i > 0);
    // Every clue that narrows the places down has the true one among them.
    json_t *clue;
    char place[200];
    const char *code = locatable ? text_of(row, "country_code") : "";
    snprintf(place, sizeof place, "%s, %s", city, code);
    assert_int_equal(json_array_size(json_object_get(row, "clues")),
                     json_array_size(json_object_get(row, "entities")));
    json_array_foreach(json_object_get(row, "clues"), i, clue) {
        const json_t *true_of = json_object_get(clue, "places");
        bool found = !true_of || !locatable;
        for (size_t k = 0; k < json_array_size(true_of); k++) {
            const char *one = json_string_value(json_array_get(true_of, k));
            found = found || !strcmp(one, code) || !strcmp(one, place);
        }
        assert_true(found);
        assert_string_equal(text_of(clue, "text"),
                            text_of(json_array_get(json_object_get(row, "entities"), i), "text"));
    }
}

static void rows_say_what_training_reads(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("rows"));
    write_cards(&options);
    size_t length;
    char *data = read_all(&length, options.folder, "postcards.jsonl"), *save = NULL;
    int64_t index = 0;
    for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        json_t *row = json_read_buffer(line, strlen(line), "row", &error);
        assert_got(row, error);
        check_row(row, options.folder, index++);
        json_decref(row);
    }
    assert_int_equal(index, COUNT);
    free(data);
}

// Of each card: all that can be seen and nothing else, and the place of the answer.
static void check_naming(const json_t *row, const struct card *card) {
    enum thing named[THING_COUNT];
    const json_t *messages = json_object_get(row, "messages");
    assert_string_equal(text_of(json_array_get(messages, 0), "content") + strlen("<image>"),
                        postcard_naming_prompt);
    const char *answer = text_of(json_array_get(messages, 1), "content");
    size_t count = things_mentioned(answer, named, THING_COUNT);
    for (size_t k = 0; k < count; k++) {
        bool there = false;
        for (int i = 0; i < card->scene.count; i++) there |= card->scene.elements[i].thing == named[k];
        assert_true(there);
    }
    for (int i = 0; i < card->scene.count; i++)
        assert_non_null(strstr(answer, thing_facts(card->scene.elements[i].thing)->text));
    if (!card->verdict.locatable)
        assert_non_null(strstr(answer, "so the place is unknown."));
    else
        assert_non_null(strstr(answer, cities[card->verdict.city].name));
}

static void naming_names_what_is_there(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("naming"));
    write_cards(&options);
    struct canvas *canvas = card_canvas(224, &error);
    assert_got(canvas, error);
    size_t length;
    char *data = read_all(&length, options.folder, "naming.jsonl"), *save = NULL;
    uint64_t index = 0;
    for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct card card;
        assert_ok(card_make(&card, canvas, &options.order, index++, &error), error);
        json_t *row = json_read_buffer(line, strlen(line), "row", &error);
        assert_got(row, error);
        check_naming(row, &card);
        json_decref(row);
        card_free(&card);
    }
    assert_int_equal(index, COUNT);
    free(data);
    canvas_free(canvas);
}

// The user's words are GLOBE's, to the byte.
static void the_prompt_is_the_official_one(void **state) {
    (void)state;
    uint32_t hash = 2166136261u; // FNV-1a
    for (const char *p = postcard_prompt; *p; p++) hash = (hash ^ (uint8_t)*p) * 16777619u;
    assert_int_equal(strlen(postcard_prompt), 517);
    assert_int_equal(hash, 0xf8e8c2b4u);
}

// --- honesty: nothing but the pixels tells the place

// The length of the JPEG up to its scan, and whether a segment holds more than the picture needs.
static size_t header_length(const uint8_t *jpeg, size_t length, bool *extra) {
    size_t at = 2;
    *extra = false;
    assert_true(length > 4 && jpeg[0] == 0xFF && jpeg[1] == 0xD8);
    while (at + 4 < length) {
        assert_int_equal(jpeg[at], 0xFF);
        uint8_t marker = jpeg[at + 1];
        size_t size = (size_t)jpeg[at + 2] << 8 | jpeg[at + 3];
        bool application = marker >= 0xE1 && marker <= 0xEF; // EXIF, XMP, ICC, Photoshop ...
        if (application || marker == 0xFE) *extra = true;    // ... and comments
        at += 2 + size;
        if (marker == 0xDA) return at;
    }
    fail_msg("no scan in this JPEG");
    return 0;
}

static void headers_are_the_same_for_all_places(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("headers"));
    write_cards(&options);
    struct canvas *canvas = card_canvas(224, &error);
    assert_got(canvas, error);
    uint8_t *headers[101] = {0};
    size_t lengths[101] = {0};
    int compared = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        struct card card;
        assert_ok(card_make(&card, canvas, &options.order, i, &error), error);
        int quality = card.jpeg_quality;
        card_free(&card);
        size_t length;
        bool extra;
        uint8_t *jpeg = (uint8_t *)read_card(&length, options.folder, i);
        size_t header = header_length(jpeg, length, &extra);
        assert_false(extra);
        if (headers[quality]) {
            assert_int_equal(header, lengths[quality]);
            assert_memory_equal(jpeg, headers[quality], header);
            free(jpeg);
            compared++;
        } else {
            headers[quality] = jpeg;
            lengths[quality] = header;
        }
    }
    assert_true(compared > COUNT / 2);
    for (int i = 0; i <= 100; i++) free(headers[i]);
    canvas_free(canvas);
}

static void pictures_carry_no_position_and_one_size(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("facts"));
    options.count = 20;
    write_cards(&options);
    for (uint64_t i = 0; i < options.count; i++) {
        char name[32];
        dataset_name(name, i);
        struct image image;
        struct photo_facts facts;
        const struct photo_options as_is = {0};
        assert_ok(photo_decode_file(&image, test_temporary("facts/cards/%s", name), &as_is, &facts, &error),
                  error);
        assert_false(facts.has_position);
        assert_int_equal(image.width, 224);
        assert_int_equal(image.height, 168);
        image_free(&image);
    }
}

static void names_are_numbers(void **state) {
    (void)state;
    char name[32];
    dataset_name(name, 7);
    assert_string_equal(name, "000007.jpg");
    dataset_name(name, 12345678);
    assert_string_equal(name, "12345678.jpg");
    dataset_name(name, CARD_MOST_INDEX);
    assert_int_equal(strspn(name, "0123456789"), strlen(name) - 4);
}

// --- bad input

static void refuse(const struct cards_options *options, enum error_code code, const char *text) {
    assert_error(dataset_write(options, &error), error, code, text);
    char *rows = file_join(options->folder, "postcards.jsonl", &error);
    assert_false(file_exists(rows));
    free(rows);
}

static void bad_options_are_refused(void **state) {
    (void)state;
    struct cards_options good = options_for(test_temporary("bad")), bad = good;
    bad.count = 0;
    refuse(&bad, ERROR_USAGE, "0 postcards");
    bad = good, bad.count = DATASET_MOST_CARDS + UINT64_C(1);
    refuse(&bad, ERROR_USAGE, "10000001");
    bad = good, bad.order.seed = CARD_MOST_SEED + 1;
    refuse(&bad, ERROR_USAGE, "seed 9007199254740992");
    bad = good, bad.first = CARD_MOST_INDEX;
    refuse(&bad, ERROR_USAGE, "first card");
    bad = good, bad.threads = 0;
    refuse(&bad, ERROR_USAGE, "0 threads");
    bad = good, bad.threads = DATASET_MOST_THREADS + 1;
    refuse(&bad, ERROR_USAGE, "65 threads");
    bad = good, bad.order.difficulty = (enum difficulty)7;
    refuse(&bad, ERROR_USAGE, "difficulty 7");
    bad = good, bad.width = 200;
    refuse(&bad, ERROR_USAGE, "width 200");
}

static void bad_folders_are_refused(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("no/such/parent"));
    refuse(&options, ERROR_INPUT, "no/such/parent");
    test_write(test_temporary("file"), "x", 1);
    options = options_for(test_temporary("file"));
    assert_error(dataset_write(&options, &error), error, ERROR_INPUT, "file: is not a folder");
    options = options_for(test_temporary("taken")); // where the pictures should go lies a file
    assert_int_equal(mkdir(options.folder, 0777), 0);
    test_write(test_temporary("taken/cards"), "x", 1);
    assert_error(dataset_write(&options, &error), error, ERROR_INPUT, "taken/cards: is not a folder");
    options = options_for("/dev/full/cards");
    assert_true(dataset_write(&options, &error) != 0);
    if (geteuid() == 0) return; // to whom no folder is closed
    options = options_for(test_temporary("closed"));
    assert_int_equal(mkdir(options.folder, 0555), 0);
    refuse(&options, ERROR_INPUT, "closed");
}

static void a_failed_picture_leaves_no_rows(void **state) {
    (void)state;
    struct cards_options options = options_for(test_temporary("blocked"));
    write_cards(&options); // an earlier, complete run
    char path[512];
    snprintf(path, sizeof path, "%s", test_temporary("blocked/cards/000100.jpg"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    test_write(test_temporary("blocked/cards/000100.jpg/full"), "x", 1);
    options.threads = 2;
    assert_error(dataset_write(&options, &error), error, ERROR_INPUT, "holds a set of postcards already");
    options.replace = true;
    refuse(&options, ERROR_IO, "000100.jpg");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(a_part_equals_the_whole),
        cmocka_unit_test(rows_say_what_training_reads),
        cmocka_unit_test(naming_names_what_is_there),
        cmocka_unit_test(the_prompt_is_the_official_one),
        cmocka_unit_test(headers_are_the_same_for_all_places),
        cmocka_unit_test(pictures_carry_no_position_and_one_size),
        cmocka_unit_test(names_are_numbers),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(bad_folders_are_refused),
        cmocka_unit_test(a_failed_picture_leaves_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
