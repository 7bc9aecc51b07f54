// All spellings of a row, and what is wrong with the others.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "train/row.h"

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
    assert_ok(row_parse(&chat, json, strlen(json), images, &error), error);
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
    assert_error(row_parse(&chat, json, strlen(json), ROW_OWN_IMAGES, &error), error, ERROR_INPUT, message);
    assert_null(chat.messages);
}

#define USER(content) "{\"role\":\"user\",\"content\":" content "}"
#define BOT(content) "{\"role\":\"assistant\",\"content\":" content "}"

static void test_messages(void **state) {
    (void)state;
    expect("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "]}", "user:q|assistant:a");
    expect("{\"messages\":[" USER("\"x <image> y <image>z\"") "," BOT(
               "\"a <image>\"") "],\"images\":[\"1.jpg\",\"2.jpg\"]}",
           "user:x [1.jpg] y [2.jpg]z|assistant:a <image>");
    expect("{\"messages\":[" USER("\"literally <image>\"") "," BOT("\"a\"") "]}",
           "user:literally <image>|assistant:a");
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
    expect_error("{\"messages\":[" USER("[{\"type\":\"audio\"}]") "]}", "\"text\" is missing");
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
    expect_error("{\"messages\":[" USER("\"q\"") "," BOT("\"a\"") "],\"images\":\"1\"}",
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

static void test_a_huge_row(void **state) {
    (void)state;
    char *json = calloc(1, ROW_MAX_SIZE + 2);
    struct chat chat;
    struct error error = {0};
    assert_error(row_parse(&chat, json, ROW_MAX_SIZE + 1, ROW_OWN_IMAGES, &error), error, ERROR_LIMIT,
                 "bytes, more than");
    free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),   cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_globe_rows), cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_a_huge_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
