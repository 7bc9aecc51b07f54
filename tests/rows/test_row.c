// All spellings of a row, and what is wrong with the others.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows/row.h"

// The chat as one line: "role:text[image]text|role:..."
static char *describe(const struct chat *chat) {
    struct buffer text = {0};
    for (size_t i = 0; i < chat->count; i++) {
        buffer_format(&text, "%s%s:", i ? "|" : "", chat->messages[i].role);
        for (size_t j = 0; j < chat->messages[i].part_count; j++) {
            const struct chat_part *part = &chat->messages[i].parts[j];
            buffer_format(&text, part->kind == CHAT_IMAGE ? "[%s]" : "%s", part->text);
        }
    }
    return buffer_take(&text);
}

static void expect_images(const char *json, int images, const char *expected) {
    struct chat chat;
    struct error error = {0};
    assert_ok(row_parse(&chat, json, strlen(json), images, NULL, &error), error);
    char *text = describe(&chat);
    assert_string_equal(text, expected);
    free(text);
    chat_free(&chat);
}

static void expect(const char *json, const char *expected) {
    expect_images(json, ROW_OWN_IMAGES, expected);
}

static void expect_error(const char *json, const char *message) {
    struct chat chat;
    struct error error = {0};
    assert_error(row_parse(&chat, json, strlen(json), ROW_OWN_IMAGES, NULL, &error), error, ERROR_INPUT,
                 message);
    assert_null(chat.messages);
}

#define USER(content) "{\"role\":\"user\",\"content\":" content "}"
#define BOT(content) "{\"role\":\"assistant\",\"content\":" content "}"

static void test_messages(void **state) {
    (void)state;
    expect("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "]}", "user:q|assistant:a");
    expect("{\"messages\":[" USER("\"x <image> y <image>z\"") "," BOT(
               "\"a\"") "],\"images\":[\"1.jpg\",\"2.jpg\"]}",
           "user:x [1.jpg] y [2.jpg]z|assistant:a");
    expect("{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}," USER("\"q\"") "," BOT(
               "\"a\"") "],\"images\":[\"1\",\"2\"]}",
           "system:s|user:[1][2]q|assistant:a");
    expect("{\"messages\":[" USER("[{\"type\":\"text\",\"text\":\"q\"},{\"type\":\"image\"}]") "," BOT(
               "\"a\"") "],\"images\":[{\"bytes\":null,\"path\":\"p\"}]}",
           "user:q[p]|assistant:a");
    expect("{\"messages\":[" USER("[{\"type\":\"image\",\"image\":\"p\"},{\"text\":\"q\"}]") "," BOT(
               "[{\"type\":\"text\",\"text\":\"a\"}]") "]}",
           "user:[p]q|assistant:a");
    expect("{\"messages\":[" USER("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"p\"}}]") "," BOT(
               "\"a\"") "],\"images\":null}",
           "user:[p]|assistant:a");
}

static void test_other_forms(void **state) {
    (void)state;
    expect("{\"prompt\":\"q\",\"completion\":\"a\",\"images\":[\"1\"]}", "user:[1]q|assistant:a");
    expect("{\"prompt\":[" USER("\"q\"") "],\"completion\":[" BOT("\"a\"") "]}", "user:q|assistant:a");
    expect("{\"query\":\"q\",\"response\":\"a\",\"system\":\"s\",\"history\":[[\"q0\",\"a0\"]],\"images\":["
           "\"1\"]}",
           "system:s|user:[1]q0|assistant:a0|user:q|assistant:a");
    expect("{\"query\":\"q<image>\",\"response\":\"a\",\"images\":[\"1\"]}", "user:q[1]|assistant:a");
    expect_images("{\"query\":\"q<image>\",\"response\":\"a\",\"images\":[\"ignored\",\"too\"]}", 1,
                  "user:q[0]|assistant:a");
}

#define GLOBE_PROMPT                                                                                         \
    "You are a geolocation expert. You are participating in a geolocation challenge. Based on the provided " \
    "image:\n"                                                                                               \
    "1. Carefully analyze the image for clues about its location (architecture, signage, vegetation, "       \
    "terrain, etc.)\n"                                                                                       \
    "2. Think step-by-step about what country, and city this is likely to be in and why\n\n"                 \
    "Your final answer include these two lines somewhere in your response:\ncountry: [country name]\n"       \
    "city: [city name]\n\n"                                                                                  \
    "You MUST output the thinking process in <think> </think> and give answer in <answer> </answer> tags."

static void test_globe_rows(void **state) {
    (void)state;
    expect("{\"solution\":\"<city>Kyoto</city> "
           "<country>Japan</country>\",\"response\":\"r\",\"images\":[\"1\"]}",
           "user:[1]" GLOBE_PROMPT "|assistant:<think>r</think><answer>country: Japan\ncity: Kyoto</answer>");
    expect("{\"solution\":\"<country>A\\nB</country><country>C</"
           "country>\",\"response\":\"r\",\"images\":[\"1\"]}",
           "user:[1]" GLOBE_PROMPT "|assistant:<think>r</think><answer>country: C\ncity: </answer>");
    expect_error("{\"solution\":\"Japan\",\"response\":\"r\",\"images\":[\"1\"]}",
                 "\"solution\" names no <country>");
    expect_error("{\"solution\":\"<country>Japan</country>\",\"images\":[\"1\"]}", "\"response\" is missing");
    struct chat chat;
    struct error error = {0};
    assert_ok(row_from_text(&chat, "answer", 1, &error), error);
    char *text = describe(&chat);
    assert_string_equal(text, "user:[0]" GLOBE_PROMPT "|assistant:answer");
    free(text);
    chat_free(&chat);
    assert_error(row_from_text(&chat, "", 1, &error), error, ERROR_INPUT, "nothing to learn");
}

static void test_bad_rows(void **state) {
    (void)state;
    expect_error("", "the row");
    expect_error("{\"messages\": [", "not valid JSON");
    expect_error("[1]", "not a JSON object");
    expect_error("null", "not a JSON object");
    expect_error("{}", "none of the keys");
    expect_error("{\"messages\":[]}", "messages is not a list of messages");
    expect_error("{\"messages\":\"x\"}", "messages is not a list of messages");
    expect_error("{\"messages\":[1]}", "messages[0]: a message's role is missing");
    expect_error("{\"messages\":[{\"role\":\"robot\",\"content\":\"\"}]}", "the role is \"robot\"");
    expect_error("{\"messages\":[{\"role\":\"user\"}]}", "a message's content is missing");
    expect_error("{\"messages\":[" USER("7") "]}", "a message's content is not a text");
    expect_error("{\"messages\":[" USER("\"a\\u0000b\"") "]}", "holds a NUL character");
    expect_error("{\"messages\":[" USER("[{\"type\":\"audio\"}]") "]}",
                 "a part's type is \"audio\", expected text or image");
    expect_error("{\"messages\":[" USER("\"q\"") "]}", "the last message is not the assistant's");
    expect_error("{\"messages\":[" BOT("\"a\"") "]}", "no user's message");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"\"") "]}",
                 "the answer is empty: nothing to learn");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("[]") "]}", "the answer is empty");
    expect_error("{\"messages\":[" USER("\"<image>\"") "," BOT("\"a\"") "],\"images\":[\"1\",\"2\"]}",
                 "2 images, but places for 1");
    expect_error("{\"messages\":[" USER("\"<image><image>\"") "," BOT("\"a\"") "],\"images\":[\"1\"]}",
                 "more places for images than images (1)");
    expect_error("{\"messages\":[" USER("[{\"type\":\"image\"}]") "," BOT("\"a\"") "]}",
                 "more places for images than images (0)");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "],\"images\":[\"\"]}",
                 "the path of an image is empty");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "],\"images\":[null]}",
                 "the path of an image is not a text");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "],\"images\":1}",
                 "\"images\" is not a list");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "],\"images\":[\"http://a/b.jpg\"]}",
                 "images are read from files");
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("[{\"type\":\"image\",\"image\":\"p\"}]") "]}",
                 "an answer holds an image");
    expect_error("{\"query\":\"q\"}", "a message's content is missing");
    expect_error("{\"query\":\"q\",\"response\":\"a\",\"history\":[[1]]}", "history[0]");
    expect_error("{\"prompt\":\"q\",\"completion\":\"\"}", "nothing to learn");
    expect_error("{\"prompt\":{},\"completion\":\"a\"}", "content is not a text");
}

// ---- keys beside the conversation

#define TURNS "\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "]"
#define TAGGED "\"messages\":[" USER("\"<image>q\"") "," BOT("\"a\"") "]"

static void test_pictures_under_other_names(void **state) {
    (void)state;
    static const char *const names[] = {"images",     "image",       "imgs",       "img",
                                        "pictures",   "picture",     "photos",     "photo",
                                        "image_path", "image_paths", "image_file", "image_files"};
    char json[400];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(json, sizeof json, "{" TAGGED ",\"%s\":[\"1.jpg\"]}", names[i]);
        expect(json, "user:[1.jpg]q|assistant:a");
        snprintf(json, sizeof json, "{" TURNS ",\"%s\":\"1.jpg\"}", names[i]);
        expect(json, "user:[1.jpg]q|assistant:a");
        snprintf(json, sizeof json, "{" TURNS ",\"%s\":{\"path\":\"1.jpg\",\"bytes\":null}}", names[i]);
        expect(json, "user:[1.jpg]q|assistant:a");
    }
    expect("{" TAGGED ",\"images\":[\"1.jpg\"],\"image\":null,\"imgs\":[]}", "user:[1.jpg]q|assistant:a");
    expect_error("{" TAGGED ",\"images\":[\"1.jpg\"],\"image\":\"2.jpg\"}",
                 "under both \"images\" and \"image\"");
    expect_error("{" TURNS ",\"views\":[\"1.jpg\"]}", "the key \"views\" names a picture");
    expect_error("{" TURNS ",\"view\":{\"path\":\"a.PNG\"}}", "the key \"view\" names a picture");
    expect_error("{" TURNS ",\"view\":\"data:image/png;base64,AA\"}", "the key \"view\" names a picture");
    expect_error(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"images\":[\"1.jpg\"]}," BOT("\"a\"") "]}",
        "messages[0]: the key \"images\" is not read inside a message");
    expect_error("{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"view\":\"1.jpg\"}," BOT("\"a\"") "]}",
                 "messages[0]: the key \"view\" is not read inside a message");
    expect_error("{\"messages\":[" USER("[{\"type\":\"image\",\"image\":\"p\",\"max_pixels\":1000}]") "," BOT(
                     "\"a\"") "]}",
                 "\"max_pixels\" is not supported here");
    expect("{\"messages\":[" USER(
               "[{\"type\":\"image\",\"text\":null,\"path\":\"p\"},{\"type\":\"text\",\"text\":\"q\","
               "\"image\":null}]") "," BOT("\"a\"") "]}",
           "user:[p]q|assistant:a");
    expect_error(
        "{\"messages\":[" USER("[{\"type\":\"text\",\"text\":\"q\",\"image\":\"p\"}]") "," BOT("\"a\"") "]}",
        "holds a text and an image");
}

// A whole run would train blind on such texts.
static void test_placeholders_without_pictures(void **state) {
    (void)state;
    static const char *const places[] = {"<video>",   "<audio>",          "<|image_pad|>", "<|vision_start|>",
                                         "<|image|>", "<img>1.jpg</img>", "<ImageHere>",   "<bbox>"};
    char json[400];
    expect_error("{" TAGGED "}", "more places for images than images (0)");
    expect_error("{" TAGGED ",\"images\":[]}", "more places for images than images (0)");
    expect_error("{\"messages\":[" USER("[{\"type\":\"text\",\"text\":\"<image>q\"}]") "," BOT("\"a\"") "]}",
                 "more places for images than images (0)");
    expect_error("{\"messages\":[" USER("[{\"type\":\"image\",\"image\":\"p\"},{\"type\":\"text\",\"text\":"
                                        "\"<image>q\"}]") "," BOT("\"a\"") "]}",
                 "more places for images than images (0)");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(json, sizeof json, "{\"messages\":[" USER("\"%s q\"") "," BOT("\"a\"") "]}", places[i]);
        expect_error(json, "would be read as text");
        snprintf(json, sizeof json, "{\"messages\":[" USER("\"q\"") "," BOT("\"%s\"") "]}", places[i]);
        expect_error(json, "an answer holds");
    }
    expect_error("{\"messages\":[" USER("\"<image>q\"") "," BOT("\"<image>\"") "],\"images\":[\"1\"]}",
                 "an answer holds \"<image>\"");
}

static void test_other_media_and_other_data(void **state) {
    (void)state;
    static const char *const keys[][2] = {
        {"videos", "[\"1.mp4\"]"},
        {"video", "\"1.mp4\""},
        {"audios", "[\"1.wav\"]"},
        {"audio", "\"1.wav\""},
        {"tools", "[{}]"},
        {"functions", "[1]"},
        {"rejected_response", "\"b\""},
        {"rejected", "\"b\""},
        {"chosen", "[1]"},
        {"label", "false"},
        {"label", "1"},
        {"objects", "{\"bbox\":[]}"},
        {"input_ids", "[1]"},
        {"labels", "[1]"},
        {"max_pixels", "9"},
        {"chat_template", "\"x\""},
        {"train_on_inputs", "true"},
    };
    char json[400], message[100];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(json, sizeof json, "{" TURNS ",\"%s\":%s}", keys[i][0], keys[i][1]);
        snprintf(message, sizeof message, "the key \"%s\"", keys[i][0]);
        expect_error(json, message);
        snprintf(json, sizeof json, "{" TURNS ",\"%s\":null}", keys[i][0]);
        expect(json, "user:q|assistant:a");
    }
    expect_error(
        "{\"messages\":[" USER("\"q\"") ",{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[1]}]}",
        "messages[1]: the key \"tool_calls\"");
    expect_error(
        "{\"messages\":[" USER("\"q\"") ",{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":"
                                        "\"r\"}]}",
        "messages[1]: the key \"reasoning_content\"");
    expect_error("{" TURNS ",\"query\":\"q\",\"response\":\"a\"}",
                 "two conversations, \"messages\" and \"query\"");
    expect_error("{" TURNS ",\"history\":[[\"q\",\"a\"]]}", "\"history\" goes with \"query\"");
}

static void test_system_and_sharegpt(void **state) {
    (void)state;
    expect("{\"system\":\"s\"," TURNS "}", "system:s|user:q|assistant:a");
    expect("{\"system\":\"s\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"}," USER("\"q\"") "," BOT(
               "\"a\"") "]}",
           "system:s|user:q|assistant:a");
    expect_error("{\"system\":\"s\",\"messages\":[{\"role\":\"system\",\"content\":\"t\"}," USER(
                     "\"q\"") "," BOT("\"a\"") "]}",
                 "\"system\" is not the system's message");
    expect("{\"system\":\"s\",\"prompt\":\"q\",\"completion\":\"a\"}", "system:s|user:q|assistant:a");
    expect_error("{\"system\":7," TURNS "}", "content is not a text");
    expect("{\"conversations\":[{\"from\":\"system\",\"value\":\"s\"},{\"from\":\"human\",\"value\":\"<image>"
           "q\"},"
           "{\"from\":\"gpt\",\"value\":\"a\"}],\"image\":\"1.jpg\",\"id\":\"7.jpg\"}",
           "system:s|user:[1.jpg]q|assistant:a");
    expect("{\"messages\":[{\"from\":\"user\",\"value\":\"q\"},{\"from\":\"assistant\",\"value\":\"a\"}]}",
           "user:q|assistant:a");
    expect_error("{\"conversations\":[{\"from\":\"observation\",\"value\":\"q\"}]}",
                 "the role is \"observation\"");
}

static void test_what_is_learnt(void **state) {
    (void)state;
    static const char *const no[] = {"\"loss\":false", "\"loss\":0",      "\"weight\":0",
                                     "\"weight\":0.0", "\"train\":false", "\"loss_mask\":0",
                                     "\"mask\":false", "\"loss_scale\":0"};
    static const char *const between[] = {"\"weight\":0.5", "\"loss_scale\":2", "\"loss\":\"no\"",
                                          "\"loss_mask\":[0,1]", "\"weight\":-1"};
    char json[500];
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        snprintf(json, sizeof json,
                 "{\"messages\":[" USER("\"q\"") ",{\"role\":\"assistant\",\"content\":\"a\",%s}]}", no[i]);
        expect_error(json, "no answer is to be learnt");
        snprintf(json, sizeof json, "{" TURNS ",%s}", no[i]);
        expect_error(json, "no answer is to be learnt");
        snprintf(json, sizeof json,
                 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\",%s},{\"role\":\"assistant\","
                 "\"content\":\"a\","
                 "%s}," USER("\"r\"") "," BOT("\"b\"") "]}",
                 no[i], no[i]);
        struct chat chat;
        struct error error = {0};
        assert_ok(row_parse(&chat, json, strlen(json), ROW_OWN_IMAGES, NULL, &error), error);
        assert_int_equal(chat.count, 4);
        assert_true(chat.messages[1].not_learnt);
        assert_false(chat.messages[0].not_learnt || chat.messages[2].not_learnt ||
                     chat.messages[3].not_learnt);
        chat_free(&chat);
    }
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        snprintf(json, sizeof json,
                 "{\"messages\":[" USER("\"q\"") ",{\"role\":\"assistant\",\"content\":\"a\",%s}]}",
                 between[i]);
        expect_error(json, "is neither true (1) nor false (0)");
    }
    expect("{\"messages\":[" USER(
               "\"q\"") ",{\"role\":\"assistant\",\"content\":\"a\",\"weight\":1,\"loss\":null}],"
                        "\"loss\":true}",
           "user:q|assistant:a");
    expect_error("{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"train\":true}," BOT("\"a\"") "]}",
                 "messages[0]: is to be learnt, but only answers");
}

// What is not known is noted once, what is known to say nothing is not.
static void test_notes(void **state) {
    (void)state;
    static const char json[] = "{\"mood\":\"good\",\"country\":\"Japan\",\"id\":1,\"prompt\":\"q\",\"empty\":"
                               "null,\"label\":\"text\","
                               "\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"mood\":1},{\"role\":"
                               "\"assistant\",\"content\":\"a\","
                               "\"mood\":2,\"id\":7}]}";
    static const char *const expected[] = {"mood", "label", "prompt", "messages[].mood"};
    struct row_notes notes = {.count = 0};
    struct chat chat;
    struct error error = {0};
    assert_ok(row_parse(&chat, json, strlen(json), ROW_OWN_IMAGES, &notes, &error), error);
    assert_int_equal(notes.count, 4);
    for (size_t i = 0; i < 4; i++) {
        bool there = false;
        for (size_t k = 0; k < notes.count; k++) there |= strcmp(notes.keys[k], expected[i]) == 0;
        if (!there) fail_msg("%s is not noted", expected[i]);
    }
    chat_free(&chat);
}

static void test_a_huge_row(void **state) {
    (void)state;
    char *json = calloc(1, ROW_MAX_SIZE + 2);
    struct chat chat;
    struct error error = {0};
    assert_error(row_parse(&chat, json, ROW_MAX_SIZE + 1, ROW_OWN_IMAGES, NULL, &error), error, ERROR_LIMIT,
                 "bytes, more than");
    free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_globe_rows),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_a_huge_row),
        cmocka_unit_test(test_pictures_under_other_names),
        cmocka_unit_test(test_placeholders_without_pictures),
        cmocka_unit_test(test_other_media_and_other_data),
        cmocka_unit_test(test_system_and_sharegpt),
        cmocka_unit_test(test_what_is_learnt),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
