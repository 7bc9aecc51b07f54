#include "postcards/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/progress.h"
#include "base/signals.h"
#include "photo/encode.h"
#include "postcards/rows_journal_internal.h"

const char postcard_prompt[] =
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

const char postcard_naming_prompt[] = "What can be seen?";

void dataset_name(char name[32], uint64_t index) {
    snprintf(name, 32, "%06" PRIu64 ".jpg", index);
}

// --- one row

static const char *const difficulty_names[] = {"easy", "medium", "hard"};

static json_t *entities_of(const struct card *card) {
    json_t *list = json_array();
    for (int i = 0; i < card->scene.count; i++) {
        const struct element *element = &card->scene.elements[i];
        json_t *entity =
            json_pack("{s:s, s:f}", "text", thing_facts(element->thing)->text, "share", element->share);
        json_array_append_new(list, entity);
    }
    return list;
}

// "FR" where all its cities are meant, else "Lyon, FR".
static json_t *places_of(places set) {
    json_t *list = json_array();
    for (int country = 0; country < COUNTRY_COUNT; country++)
        if ((set & places_of_country(country)) == places_of_country(country))
            json_array_append_new(list, json_string(countries[country].code));
    for (int city = 0; city < CITY_COUNT; city++) {
        places all = places_of_country(cities[city].country);
        if ((set >> city & 1) && (set & all) != all)
            json_array_append_new(
                list, json_sprintf("%s, %s", cities[city].name, countries[cities[city].country].code));
    }
    return list;
}

// What can be seen, and what it allows to conclude: answers are held against it.
static json_t *clues_of(const struct card *card) {
    json_t *list = json_array();
    for (int i = 0; i < card->scene.count; i++) {
        const struct element *element = &card->scene.elements[i];
        const struct word *word = element->word;
        json_t *clue = json_pack("{s:s}", "text", thing_facts(element->thing)->text);
        struct buffer detail = {0};
        reason_detail(&detail, element);
        if (detail.length) json_object_set_new(clue, "detail", json_string(detail.data));
        buffer_free(&detail);
        if (word) json_object_set_new(clue, "says", json_string(word->text));
        const char *language = !word ? NULL : word->language ? word->language : word->script;
        if (language) json_object_set_new(clue, "language", json_string(language));
        if (element->set != EVERYWHERE) json_object_set_new(clue, "places", places_of(element->set));
        json_array_append_new(list, clue);
    }
    return list;
}

static json_t *messages_of(const char *question, json_t *answer) {
    return json_pack("[{s:s, s:o}, {s:s, s:o}]", "role", "user", "content",
                     json_sprintf("<image>%s", question), "role", "assistant", "content", answer);
}

static json_t *images_of(uint64_t index) {
    char name[32];
    dataset_name(name, index);
    return json_pack("[o]", json_sprintf("cards/%s", name));
}

static json_t *row_of(const struct card *card, const struct card_order *order, uint64_t index) {
    bool known = card->verdict.locatable;
    const struct city *city = known ? &cities[card->plan.city] : NULL;
    const char *country = known ? countries[city->country].name : "unknown",
               *town = known ? city->name : "unknown";
    const char *guess = known ? cities[card->verdict.city].name : "unknown";
    json_t *row = json_object();
    json_t *answer = json_sprintf("<think>%s</think><answer>country: %s\ncity: %s</answer>",
                                  card->reasoning.data, country, guess);
    json_object_set_new(row, "images", images_of(index));
    json_object_set_new(row, "messages", messages_of(postcard_prompt, answer));
    json_object_set_new(row, "solution", json_sprintf("<country>%s</country><city>%s</city>", country, town));
    json_object_set_new(row, "response", json_string(card->reasoning.data));
    json_object_set_new(row, "entities", entities_of(card));
    json_object_set_new(row, "clues", clues_of(card));
    json_object_set_new(row, "lat", known ? json_real(city->latitude) : json_null());
    json_object_set_new(row, "lon", known ? json_real(city->longitude) : json_null());
    json_object_set_new(row, "country", json_string(country));
    json_object_set_new(row, "country_code",
                        known ? json_string(countries[city->country].code) : json_null());
    json_object_set_new(row, "city", json_string(town));
    json_object_set_new(row, "locatable", json_boolean(known));
    json_object_set_new(row, "city_determined", json_boolean(card->verdict.city_determined));
    json_object_set_new(row, "difficulty", json_string(difficulty_names[card->plan.difficulty]));
    json_object_set_new(row, "split", json_string(order->split == SPLIT_TEST ? "test" : "train"));
    json_object_set_new(row, "seed", json_integer((json_int_t)order->seed));
    json_object_set_new(row, "index", json_integer((json_int_t)index));
    return row;
}

// Takes the row.
static int add_line(struct buffer *out, json_t *row, uint64_t index, struct error *error) {
    char *line = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(7));
    json_decref(row);
    if (line) buffer_add_text(out, line);
    free(line);
    if (line && !out->failed) return 0;
    return error_set(error, ERROR_MEMORY, "no memory for the row of postcard %" PRIu64, index);
}

int dataset_row(struct buffer *out, const struct card *card, const struct card_order *order, uint64_t index,
                struct error *error) {
    return add_line(out, row_of(card, order, index), index, error);
}

int dataset_naming_row(struct buffer *out, const struct card *card, uint64_t index, struct error *error) {
    json_t *row = json_object();
    json_object_set_new(row, "images", images_of(index));
    json_object_set_new(row, "messages", messages_of(postcard_naming_prompt, json_string(card->naming.data)));
    return add_line(out, row, index, error);
}

// --- many, by several threads

enum { BATCH = 1024 };
struct work {
    const struct cards_options *options;
    const char *folder; // of the pictures
    uint64_t first;     // of the batch
    int count;          // in the batch
    atomic_int next;    // card of the batch that nobody has taken yet
    atomic_bool failed;
    pthread_mutex_t lock;
    struct error error; // the first failure
    struct progress *progress;
    struct rows_journal journal;
    int written;       // cards of the batch whose rows are in the journal
    bool ready[BATCH]; // and those that are drawn
    struct buffer rows[BATCH][ROWS_FILES];
};

struct worker {
    struct work *work;
    struct canvas *canvas;
    pthread_t thread;
};

// Without fsync and rename: the rows, which come last and whole, say that the pictures are complete.
static int write_picture(const char *path, const struct buffer *jpeg, struct error *error) {
    FILE *stream = fopen(path, "wb");
    if (!stream) return error_set_errno(error, path, "cannot be written");
    size_t written = fwrite(jpeg->data, 1, jpeg->length, stream);
    if (fclose(stream) || written != jpeg->length) return error_set_errno(error, path, "cannot be written");
    return 0;
}

static int one_card(struct worker *worker, int slot, struct error *error) {
    struct work *work = worker->work;
    const struct card_order *order = &work->options->order;
    uint64_t index = work->first + (uint64_t)slot;
    struct card card;
    if (card_make(&card, worker->canvas, order, index, error)) return -1;
    char name[32];
    dataset_name(name, index);
    char *path = file_join(work->folder, name, error);
    struct buffer jpeg = {0};
    int result = path ? photo_encode_jpeg(&jpeg, &card.image, card.jpeg_quality, error) : -1;
    if (!result) result = write_picture(path, &jpeg, error);
    if (!result) result = dataset_row(&work->rows[slot][ROWS_CARDS], &card, order, index, error);
    if (!result) result = dataset_naming_row(&work->rows[slot][ROWS_NAMING], &card, index, error);
    buffer_free(&jpeg);
    free(path);
    card_free(&card);
    return result;
}

// Hands the rows over that nothing is missing before. With the lock held.
static int write_rows(struct work *work, struct error *error) {
    for (; work->written < work->count && work->ready[work->written]; work->written++) {
        struct buffer *rows = work->rows[work->written];
        int result = rows_journal_add(&work->journal, rows, error);
        for (int f = 0; f < ROWS_FILES; f++) buffer_clear(&rows[f]);
        if (result) return -1;
    }
    return 0;
}

static void *run(void *argument) {
    struct worker *worker = argument;
    struct work *work = worker->work;
    int slot;
    while (!work->failed && (slot = atomic_fetch_add(&work->next, 1)) < work->count) {
        struct error error = {0};
        int result = signals_check(&error) || one_card(worker, slot, &error) ? -1 : 0;
        pthread_mutex_lock(&work->lock);
        work->ready[slot] = result == 0;
        if (result == 0) result = write_rows(work, &error);
        if (result && !work->failed) work->error = error;
        if (result) work->failed = true;
        pthread_mutex_unlock(&work->lock);
        if (result == 0) progress_add(work->progress, 1);
    }
    return NULL;
}

static int run_batch(struct work *work, struct worker *workers, struct error *error) {
    const int threads = work->options->threads;
    atomic_store(&work->next, 0);
    work->written = 0;
    memset(work->ready, 0, sizeof work->ready);
    int started = 0;
    for (int i = 1; i < threads; i++, started++)
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i])) break; // fewer hands do the same work
    run(&workers[0]);
    for (int i = 1; i <= started; i++) pthread_join(workers[i].thread, NULL);
    if (!atomic_load(&work->failed)) return 0;
    *error = work->error;
    return -1;
}

static int write_batches(struct work *work, struct worker *workers, uint64_t done, struct error *error) {
    const struct cards_options *options = work->options;
    int result = 0;
    for (; done < options->count && !result; done += BATCH) {
        uint64_t left = options->count - done;
        work->first = options->first + done;
        work->count = left < BATCH ? (int)left : BATCH;
        result = run_batch(work, workers, error);
    }
    return result;
}

// The picture was written before the row; a power failure may have kept the row alone.
static bool is_drawn(void *context, uint64_t row) {
    const struct work *work = context;
    char name[32];
    struct stat status;
    dataset_name(name, work->options->first + row);
    char *path = file_join(work->folder, name, NULL);
    bool drawn = path && stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
    free(path);
    return drawn;
}

static int with_workers(struct work *work, bool resume, struct error *error) {
    struct worker workers[DATASET_MOST_THREADS] = {{.work = work}};
    uint64_t done = 0;
    int result =
        rows_journal_open(&work->journal, resume, work->options->count, is_drawn, work, &done, error);
    for (int i = 0; i < work->options->threads && !result; i++) {
        workers[i] = (struct worker){.work = work, .canvas = card_canvas(work->options->width, error)};
        if (!workers[i].canvas) result = -1;
    }
    if (!result) {
        if (done)
            log_info("%s: goes on after %" PRIu64 " cards of a run that was stopped", work->options->folder,
                     done);
        work->progress = progress_start("drawing", "cards", work->options->count - done);
        result = write_batches(work, workers, done, error);
        progress_finish(work->progress);
    }
    for (int i = 0; i < DATASET_MOST_THREADS; i++) canvas_free(workers[i].canvas);
    struct error later = {0}; // the first error is the one to tell
    if (rows_journal_close(&work->journal, result == 0, result ? &later : error)) result = -1;
    return result;
}

static int check(const struct cards_options *options, struct error *error) {
    const struct card_order *order = &options->order;
    if (options->count < 1 || options->count > DATASET_MOST_CARDS)
        return error_set(error, ERROR_USAGE, "%" PRIu64 " postcards: the number must be from 1 to %d",
                         options->count, DATASET_MOST_CARDS);
    if (order->seed > CARD_MOST_SEED)
        return error_set(error, ERROR_USAGE, "seed %" PRIu64 " is above %" PRIu64, order->seed,
                         CARD_MOST_SEED);
    if (options->first > CARD_MOST_INDEX - options->count)
        return error_set(error, ERROR_USAGE, "first card %" PRIu64 " is out of range", options->first);
    if (options->threads < 1 || options->threads > DATASET_MOST_THREADS)
        return error_set(error, ERROR_USAGE, "%d threads: the number must be from 1 to %d", options->threads,
                         DATASET_MOST_THREADS);
    if (order->difficulty > DIFFICULTY_MIXED)
        return error_set(error, ERROR_USAGE, "difficulty %d is not easy, medium, hard or mixed",
                         (int)order->difficulty);
    return 0;
}

static int make_folder(const char *path, struct error *error) {
    if (mkdir(path, 0777) == 0) return 0;
    if (errno == EEXIST && file_is_directory(path)) return 0;
    if (errno == EEXIST) return error_set(error, ERROR_INPUT, "%s: is not a folder", path);
    return error_set_errno(error, path, "cannot be made");
}

static void free_work(struct work *work) {
    for (int i = 0; work && i < BATCH; i++)
        for (int f = 0; f < ROWS_FILES; f++) buffer_free(&work->rows[i][f]);
    if (work) rows_journal_free(&work->journal);
    free(work);
}

// Of an earlier run: they would not fit the new pictures.
static int remove_file(const char *path, struct error *error) {
    return remove(path) && errno != ENOENT ? error_set_errno(error, path, "cannot be replaced") : 0;
}

static bool is_card(const char *name) {
    size_t digits = strspn(name, "0123456789");
    return digits >= 6 && strcmp(name + digits, ".jpg") == 0;
}

// Counts what is in the folder; with `remove_cards`, the cards go.
static int look_at_cards(const char *folder, bool remove_cards, size_t *count, struct error *error) {
    DIR *directory = opendir(folder);
    *count = 0;
    if (!directory) return errno == ENOENT ? 0 : error_set_errno(error, folder, "cannot be read");
    int result = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        ++*count;
        if (!remove_cards || !is_card(entry->d_name)) continue;
        char *path = file_join(folder, entry->d_name, error);
        result = path ? remove_file(path, error) : -1;
        free(path);
    }
    closedir(directory);
    return result;
}

// What a set is made from: an unfinished one of the same is gone on with.
static int describe(const struct cards_options *options, struct buffer *out, struct error *error) {
    const struct card_order *order = &options->order;
    buffer_format(
        out, "globe %s postcards: seed %" PRIu64 ", split %d, difficulty %d, first %" PRIu64 ", width %zu\n",
        GLOBE_VERSION, order->seed, (int)order->split, (int)order->difficulty, options->first,
        options->width);
    return out->failed ? error_set(error, ERROR_MEMORY, "postcards: out of memory") : 0;
}

static bool is_same_set(const char *mark, const struct buffer *description) {
    size_t length;
    char *text = file_read(mark, 4096, &length, NULL);
    bool same = text && length == description->length && memcmp(text, description->data, length) == 0;
    free(text);
    return same;
}

// Nothing of the folder is replaced but what an unfinished run left, or with `replace`. *resume: what is there is gone
// on with.
static int make_way(struct work *work, const char *mark, bool *resume, struct error *error) {
    const struct cards_options *options = work->options;
    const struct rows_journal *journal = &work->journal;
    struct buffer description = {0};
    size_t count;
    // With its own rows it is whole, even if the mark of the unfinished could not go any more.
    bool whole = file_exists(journal->paths[ROWS_CARDS]) ||
                 (file_exists(journal->paths[ROWS_NAMING]) && !file_exists(mark));
    if (!options->replace && whole)
        return error_set(error, ERROR_INPUT,
                         "%s: holds a set of postcards already; choose another folder, or --force",
                         options->folder);
    if (describe(options, &description, error)) return -1;
    *resume = !options->replace && is_same_set(mark, &description);
    bool replace = options->replace || (file_exists(mark) && !*resume);
    int result = 0;
    // The rows go first: they would say that the pictures are whole.
    for (int f = ROWS_FILES - 1; f >= 0 && !result; f--) {
        result = remove_file(journal->paths[f], error);
        if (!*resume && !result) result = remove_file(journal->growing[f], error);
    }
    if (!result) result = look_at_cards(work->folder, replace, &count, error);
    if (!result && count && !replace && !*resume)
        result = error_set(error, ERROR_INPUT,
                           "%s: holds pictures already; choose another folder, or --force", work->folder);
    if (!result && !*resume) result = file_write(mark, description.data, description.length, error);
    buffer_free(&description);
    return result;
}

int dataset_write(const struct cards_options *options, struct error *error) {
    if (check(options, error) || make_folder(options->folder, error)) return -1;
    char *cards = file_join(options->folder, "cards", error),
         *mark = file_join(options->folder, ".unfinished", error);
    struct work *work = memory_new(1, sizeof *work, "postcards", error);
    bool resume = false;
    int result = cards && mark && work ? make_folder(cards, error) : -1;
    if (!result) {
        work->options = options;
        work->folder = cards;
        output_remove_left_over(mark);
        result = rows_journal_name(&work->journal, options->folder, error);
    }
    if (!result) result = make_way(work, mark, &resume, error);
    if (!result) {
        pthread_mutex_init(&work->lock, NULL);
        result = with_workers(work, resume, error);
        pthread_mutex_destroy(&work->lock);
        if (!result) result = remove_file(mark, error);
    }
    free_work(work);
    free(cards);
    free(mark);
    return result;
}
