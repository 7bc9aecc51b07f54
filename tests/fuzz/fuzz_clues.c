// Clues of any text, and a verdict made of it in every output format. The ranges must lie in the text in
// order, and what is written must be valid UTF-8 without control characters; JSON must parse.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "locate/clues.h"
#include "locate/writer.h"

static void check(int condition) {
    if (!condition) abort();
}

static void check_clues(const char *text, const struct verdict_clue *clues, size_t count) {
    size_t end = 0, length = strlen(text);
    check(count <= CLUES_LIMIT);
    for (size_t i = 0; i < count; i++) {
        check(clues[i].first >= end && clues[i].length > 0);
        end = clues[i].first + clues[i].length;
        check(end <= length);
        check(utf8_is_valid(clues[i].text, strlen(clues[i].text)));
    }
}

static void check_output(enum writer_format format, const char *text) {
    check(utf8_is_valid(text, strlen(text)));
    for (const char *c = text; *c; c++) check((unsigned char)*c >= ' ' || *c == '\n' || *c == '\r');
    if (format != WRITER_JSON && format != WRITER_GEOJSON) return;
    json_t *root = json_read_buffer(text, strlen(text), "output", NULL);
    check(root != NULL);
    json_decref(root);
}

static void write_verdict(const struct verdict *verdict, enum writer_format format,
                          enum writer_precision precision) {
    struct writer_options options = {.format = format,
                                     .precision = precision,
                                     .show_reasoning = true,
                                     .width = 60,
                                     .model = verdict->photo};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    struct writer *writer = writer_new(stream, &options, NULL);
    check(writer_add(writer, verdict, NULL) == 0 && writer_end(writer, NULL) == 0);
    writer_free(writer);
    fclose(stream);
    check_output(format, text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    struct verdict verdict = {.photo = text,
                              .place = {.country = text, .city = text, .match = ""},
                              .confidence = 0.5,
                              .reasoning = text,
                              .answer = text,
                              .samples = 1};
    check(clues_find(text, &verdict.clues, &verdict.clue_count, NULL) == 0);
    check_clues(text, verdict.clues, verdict.clue_count);
    for (int format = WRITER_TEXT; format <= WRITER_HTML; format++)
        write_verdict(&verdict, (enum writer_format)format, (enum writer_precision)(size % 3));
    verdict_clues_free(verdict.clues, verdict.clue_count);
    free(text);
    return 0;
}
