// metrics.jsonl, TensorBoard event files parsed back, and charts.
#include "support.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "photo/decode.h"
#include "train/events.h"
#include "train/metrics.h"
#include "train/plot.h"

static void test_crc(void **state) {
    (void)state;
    unsigned char zeros[32] = {0};
    assert_int_equal(events_crc32c("123456789", 9), 0xE3069283u); // the published check value
    assert_int_equal(events_crc32c(zeros, 32), 0x8A9136AAu);      // RFC 3720, B.4
}

// A reader of its own for what the writer wrote.
struct reader {
    const unsigned char *at, *end;
};

static uint64_t read_little(struct reader *reader, size_t size) {
    uint64_t value = 0;
    assert_true((size_t)(reader->end - reader->at) >= size);
    for (size_t i = 0; i < size; i++) value |= (uint64_t)*reader->at++ << (8 * i);
    return value;
}

static uint64_t read_varint(struct reader *reader) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint64_t byte = read_little(reader, 1);
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}

static uint32_t unmask(uint64_t masked) {
    uint32_t rotated = (uint32_t)masked - 0xA282EAD8u;
    return rotated >> 17 | rotated << 15;
}

static struct reader read_record(struct reader *file) {
    const unsigned char *start = file->at;
    uint64_t length = read_little(file, 8);
    assert_int_equal(unmask(read_little(file, 4)), events_crc32c(start, 8));
    struct reader record = {file->at, file->at + length};
    assert_true(length <= (uint64_t)(file->end - file->at));
    file->at += length;
    assert_int_equal(unmask(read_little(file, 4)), events_crc32c(record.at, length));
    return record;
}

static struct reader read_bytes(struct reader *reader) {
    uint64_t length = read_varint(reader);
    struct reader bytes = {reader->at, reader->at + length};
    assert_true(length <= (uint64_t)(reader->end - reader->at));
    reader->at += length;
    return bytes;
}

// One event as text: "step tag=value tag=value", or its file version.
static void read_event(struct reader event, char *text, size_t size) {
    text[0] = 0;
    while (event.at < event.end) {
        uint64_t key = read_varint(&event);
        size_t used = strlen(text);
        if (key == (1 << 3 | 1)) {
            read_little(&event, 8);
        } else if (key == (2 << 3 | 0)) {
            snprintf(text + used, size - used, "%llu", (unsigned long long)read_varint(&event));
        } else if (key == (3 << 3 | 2)) {
            struct reader version = read_bytes(&event);
            snprintf(text + used, size - used, "%.*s", (int)(version.end - version.at),
                     (const char *)version.at);
        } else if (key == (7 << 3 | 2)) {
            struct reader log = read_bytes(&event);
            assert_int_equal(read_varint(&log), 1 << 3 | 0);
            assert_int_equal(read_varint(&log), 1); // START
            snprintf(text + used, size - used, " restart");
        } else {
            assert_int_equal(key, 5 << 3 | 2);
            struct reader summary = read_bytes(&event);
            while (summary.at < summary.end) {
                assert_int_equal(read_varint(&summary), 1 << 3 | 2);
                struct reader value = read_bytes(&summary);
                assert_int_equal(read_varint(&value), 1 << 3 | 2);
                struct reader tag = read_bytes(&value);
                assert_int_equal(read_varint(&value), 2 << 3 | 5);
                uint32_t bits = (uint32_t)read_little(&value, 4);
                float number;
                memcpy(&number, &bits, sizeof number);
                used = strlen(text);
                snprintf(text + used, size - used, " %.*s=%g", (int)(tag.end - tag.at), (const char *)tag.at,
                         (double)number);
            }
        }
    }
}

static void find_events(const char *folder, char *path, size_t size) {
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strncmp(entry->d_name, "events.out.tfevents.", 20) == 0)
            snprintf(path, size, "%s/%s", folder, entry->d_name);
    closedir(directory);
}

static void test_both_files(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], path[1200], text[400];
    snprintf(folder, sizeof folder, "%s", test_temporary("run"));
    assert_int_equal(mkdir(folder, 0777), 0);
    struct metrics *metrics = metrics_open(folder, 0, true, &error);
    assert_got(metrics, error);
    const struct metric first[] = {{"loss", 2.5}, {"learning_rate", 1e-5}},
                        second[] = {{"loss", NAN}, {"eval_loss", 3}};
    assert_ok(metrics_add(metrics, 1, first, 2, &error), error);
    assert_ok(metrics_add(metrics, 300, second, 2, &error), error);
    metrics_close(metrics);
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    char *lines = file_read(path, 10000, NULL, &error);
    assert_string_equal(
        lines,
        "{\"step\":1,\"loss\":2.5,\"learning_rate\":1e-05}\n{\"step\":300,\"loss\":null,\"eval_loss\":3}\n");
    free(lines);
    snprintf(folder, sizeof folder, "%s", test_temporary("run/tensorboard"));
    find_events(folder, path, sizeof path);
    size_t length;
    char *bytes = file_read(path, 100000, &length, &error);
    if (!bytes) {
        fail_msg("%s", error.message);
        return;
    }
    struct reader file = {(unsigned char *)bytes, (unsigned char *)bytes + length};
    static const char *const expected[] = {"brain.Event:2", "1 train/loss=2.5 train/learning_rate=1e-05",
                                           "300 train/loss=nan eval/loss=3"};
    for (size_t i = 0; i < 3; i++) {
        read_event(read_record(&file), text, sizeof text);
        assert_string_equal(text, expected[i]);
    }
    assert_ptr_equal(file.at, file.end);
    free(bytes);
}

static void test_resume_drops_later_lines(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s", test_temporary("again"));
    assert_int_equal(mkdir(folder, 0777), 0);
    static const char old[] = "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2}\nrubbish\n{\"step\":3,"
                              "\"loss\":3}\n{\"step\":4,\"lo";
    test_write(test_temporary("again/metrics.jsonl"), old, strlen(old));
    struct metrics *metrics = metrics_open(folder, 2, false, &error);
    assert_got(metrics, error);
    assert_ok(metrics_add(metrics, 3, &(struct metric){"loss", 4}, 1, &error), error);
    metrics_close(metrics);
    char *lines = file_read(test_temporary("again/metrics.jsonl"), 10000, NULL, &error);
    assert_string_equal(lines, "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2}\n{\"step\":3,\"loss\":4}\n");
    free(lines);
}

// All events of a folder as text, the oldest file first.
static void read_events(const char *folder, char *text, size_t size) {
    struct error error = {0};
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count >= 0);
    text[0] = 0;
    for (int i = 0; i < count; i++) {
        char path[1200], line[300];
        size_t length;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        bool events = strncmp(entries[i]->d_name, "events.out.tfevents.", 20) == 0;
        free(entries[i]);
        if (!events) continue;
        char *bytes = file_read(path, 1 << 20, &length, &error);
        assert_got(bytes, error);
        struct reader file = {(unsigned char *)bytes, (unsigned char *)bytes + length};
        while (file.at < file.end) {
            read_event(read_record(&file), line, sizeof line);
            snprintf(text + strlen(text), size - strlen(text), "%s\n", line);
        }
        free(bytes);
    }
    free(entries);
}

// Steps after the checkpoint that a crashed run went back to are in no file, and TensorBoards that have seen
// them are told.
static void test_crashed_steps_leave_no_events(void **state) {
    (void)state;
    struct error error = {0};
    char folder[600], board[700], old[1200], text[2000];
    snprintf(folder, sizeof folder, "%s", test_temporary("crashed"));
    snprintf(board, sizeof board, "%s/tensorboard", folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    struct metrics *metrics = metrics_open(folder, 0, true, &error);
    assert_got(metrics, error);
    for (uint64_t step = 1; step <= 5; step++)
        assert_ok(metrics_add(metrics, step, &(struct metric){"loss", (double)step}, 1, &error), error);
    metrics_close(metrics);
    find_events(board, old, sizeof old);
    FILE *file = fopen(old, "ab"); // killed in the middle of a record
    assert_non_null(file);
    assert_int_equal(fwrite("\x20\0\0\0\0\0\0\0torn", 1, 12, file), 12);
    fclose(file);
    char first[1250]; // names hold the second: make this one the older
    snprintf(first, sizeof first, "%s/events.out.tfevents.1000000000.host.1", board);
    assert_int_equal(rename(old, first), 0);
    metrics = metrics_open(folder, 3, true, &error);
    assert_got(metrics, error);
    assert_ok(metrics_add(metrics, 4, &(struct metric){"loss", 40}, 1, &error), error);
    metrics_close(metrics);
    read_events(board, text, sizeof text);
    assert_string_equal(text, "brain.Event:2\n1 train/loss=1\n2 train/loss=2\n3 train/loss=3\n"
                              "brain.Event:2\n4 restart\n4 train/loss=40\n");
    find_events(board, old, sizeof old);
    // Killed before its first checkpoint: all of it goes.
    metrics = metrics_open(folder, 0, true, &error);
    assert_got(metrics, error);
    metrics_close(metrics);
    read_events(board, text, sizeof text);
    assert_null(strstr(text, "loss"));
    assert_non_null(strstr(text, "1 restart"));
    // Any bytes: never more than there are.
    unsigned char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37);
    for (size_t length = 0; length <= sizeof bytes; length++)
        assert_int_equal(events_length_until(bytes, length, 9), 0);
}

static void test_unwritable(void **state) {
    (void)state;
    struct error error = {0};
    assert_null(metrics_open(test_temporary("nowhere"), 0, true, &error));
    assert_true(error.code == ERROR_INPUT || error.code == ERROR_IO);
    struct events events = {.file = fopen("/dev/full", "wb"), .path = strdup("/dev/full")};
    assert_error(events_add(&events, 1, NULL, 0, &error), error, ERROR_IO, "/dev/full");
    events_close(&events);
}

static void write_run(const char *path, size_t steps, double start) {
    struct buffer text = {0};
    for (size_t i = 1; i <= steps; i++) {
        buffer_format(&text, "{\"step\":%zu,\"loss\":%g,\"learning_rate\":%g,\"grad_norm\":%g}\n", i,
                      start / (1 + 0.05 * (double)i) + 0.1 * sin((double)i),
                      1e-4 * (1 - (double)i / (double)steps), 1 + 0.3 * cos((double)i));
        if (i % 20 == 0)
            buffer_format(&text, "{\"step\":%zu,\"eval_loss\":%g}\n", i,
                          start / (1 + 0.05 * (double)i) + 0.2);
    }
    buffer_add_text(&text, "{\"step\":");
    test_write(path, text.data, text.length);
    buffer_free(&text);
}

static size_t count_of(const char *text, const char *word) {
    size_t count = 0;
    while ((text = strstr(text, word))) count++, text++;
    return count;
}

// Runs of the same name in other folders, and one that is given twice.
static void test_names_of_runs(void **state) {
    (void)state;
    struct error error = {0};
    char paths[4][700];
    static const char *const folders[] = {"one", "two", "one/run", "two/run"};
    for (size_t i = 0; i < 4; i++) assert_int_equal(mkdir(test_temporary("%s", folders[i]), 0777), 0);
    write_run(test_temporary("one/run/metrics.jsonl"), 20, 3);
    write_run(test_temporary("two/run/metrics.jsonl"), 20, 3);
    snprintf(paths[0], sizeof paths[0], "%s/", test_temporary("one/run"));
    snprintf(paths[1], sizeof paths[1], "%s", test_temporary("two/run/metrics.jsonl"));
    snprintf(paths[2], sizeof paths[2], "%s", test_temporary("two/run"));
    char *runs[] = {paths[0], paths[1], paths[2]};
    struct buffer svg = {0};
    assert_ok(plot_runs(&svg, runs, 2, 0.9, &error), error);
    assert_int_equal(count_of(svg.data, ">one/run<"), 3);
    assert_int_equal(count_of(svg.data, ">two/run<"), 3);
    buffer_clear(&svg);
    assert_ok(plot_runs(&svg, runs, 3, 0.9, &error), error);
    assert_int_equal(count_of(svg.data, ">one/run<"), 3);
    assert_int_equal(count_of(svg.data, ">two/run (1)<"), 3);
    assert_int_equal(count_of(svg.data, ">two/run (2)<"), 3);
    buffer_clear(&svg);
    assert_ok(plot_runs(&svg, runs, 1, 0.9, &error), error);
    assert_int_equal(count_of(svg.data, ">run<"), 1);
    buffer_free(&svg);
}

static void test_plot(void **state) {
    (void)state;
    struct error error = {0};
    char first[600], second[600];
    snprintf(first, sizeof first, "%s", test_temporary("a<b>&\"c.jsonl"));
    snprintf(second, sizeof second, "%s", test_temporary("second.jsonl"));
    write_run(first, 200, 3);
    write_run(second, 100, 4);
    char *runs[] = {first, second};
    struct buffer svg = {0};
    assert_ok(plot_runs(&svg, runs, 2, 0.9, &error), error);
    assert_int_equal(count_of(svg.data, "<path class=\"l\""), 2 * 5 + 3 * 2); // curves and legends
    assert_int_equal(count_of(svg.data, "<circle"), 10);                      // evaluations of the first,
    assert_int_equal(count_of(svg.data, "m-3 -3h6v6h-6z"), 5);                // and of the second
    assert_int_equal(count_of(svg.data, "stroke-dasharray"),
                     4 + 3); // its lines but the faint one, and legends
    assert_int_equal(count_of(svg.data, ">second.jsonl<"), 3);
    assert_non_null(strstr(svg.data, "a&#60;b&#62;&#38;&#34;c.jsonl"));
    assert_null(strstr(svg.data, "nan"));
    assert_ok(plot_save(&svg, test_temporary("chart.svg"), &error), error);
    assert_ok(plot_save(&svg, test_temporary("chart.PNG"), &error), error);
    struct image image;
    assert_ok(photo_decode_file(&image, test_temporary("chart.PNG"), NULL, NULL, &error), error);
    assert_int_equal(image.width, 1920);
    size_t coloured = 0;
    for (size_t i = 0; i < image.width * image.height; i++)
        coloured += image.rgb[3 * i] != image.rgb[3 * i + 2];
    assert_true(coloured > 5000); // curves were drawn
    image_free(&image);
    buffer_free(&svg);
}

static void test_odd_runs(void **state) {
    (void)state;
    struct error error = {0};
    struct buffer svg = {0};
    char path[600];
    char *runs[65];
    for (size_t i = 0; i < 65; i++) runs[i] = path;
    snprintf(path, sizeof path, "%s", test_temporary("odd.jsonl"));
    static const char none[] = "{\"step\":1}\nx\n";
    test_write(path, none, strlen(none));
    assert_error(plot_runs(&svg, runs, 1, 0.9, &error), error, ERROR_INPUT, "no steps with a loss");
    static const char flat[] = "{\"step\":5,\"loss\":2}\n";
    test_write(path, flat, strlen(flat));
    assert_ok(plot_runs(&svg, runs, 64, 0, &error), error);
    assert_null(strstr(svg.data, "nan"));
    assert_null(strstr(svg.data, "inf"));
    buffer_clear(&svg);
    static const char nulls[] =
        "{\"step\":1,\"loss\":null}\n{\"step\":2,\"loss\":1}\n{\"step\":\"x\",\"loss\":1}\n";
    test_write(path, nulls, strlen(nulls));
    assert_ok(plot_runs(&svg, runs, 1, 0.5, &error), error);
    assert_null(strstr(svg.data, "nan"));
    assert_error(plot_runs(&svg, runs, 65, 0.5, &error), error, ERROR_LIMIT, "65 runs");
    snprintf(path, sizeof path, "%s", test_temporary("absent"));
    assert_error(plot_runs(&svg, runs, 1, 0.5, &error), error, ERROR_INPUT, "absent");
    buffer_free(&svg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_both_files),
        cmocka_unit_test(test_resume_drops_later_lines),
        cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_crashed_steps_leave_no_events),
        cmocka_unit_test(test_plot),
        cmocka_unit_test(test_names_of_runs),
        cmocka_unit_test(test_odd_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
