#include "locate/locator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/signals.h"
#include "locate/evidence.h"
#include "locate/provenance.h"
#include "locate/scope.h"
#include "photo/decode.h"
#include "photo/source.h"
#include "photo/xmp_position.h"
#include "reward/locatability_model.h"

struct batch;

// One photo on its way.
struct job {
    struct batch *batch;
    const char *photo;
    engine_ticket ticket; // of its request; 0: none
    double started;
    struct vote *votes;
    size_t arrived;
    const struct folder_hint *hint; // NULL: hints were not asked for
    char *hash;                     // SHA-256 of the file
    int64_t modified;               // and its time (locate/provenance.h)
    struct error *error;            // why it failed; NULL: it did not. Few do, and errors are large
    bool has_gps;                   // of the photo's metadata: measured
    struct point gps;
    const struct image *image; // of one that is decoded already, during the call; NULL: read the file
    unsigned flags;            // of the picture
    bool out_of_scope;         // finished without votes
    bool finished;             // all votes are there, or it failed
    bool done;                 // handed over
};

struct batch {
    struct engine *engine;
    const struct locator_options *options;
    const struct locator_events *events;
    struct locator_counts *counts;
    struct job *jobs;
    size_t count;
    size_t first_open; // jobs before this one are done
    size_t submitted;
    struct error error; // of an event: no memory, or an engine that breaks its contract
};

static void on_text(void *context, size_t sample, const char *text, size_t length) {
    const struct job *job = context;
    const struct locator_events *events = job->batch->events;
    if (sample == 0) events->on_text(events->context, job->photo, text, length);
}

static void on_answer(void *context, const struct engine_answer *answer) {
    struct job *job = context;
    struct batch *batch = job->batch;
    // Each sample has its place, so that ties do not depend on which one was answered first.
    struct vote *vote =
        job->votes && answer->sample < batch->options->samples ? &job->votes[answer->sample] : NULL;
    if (!vote || vote->text) {
        error_set(&batch->error, ERROR_INTERNAL, "%s: sample %zu was answered out of turn", job->photo,
                  answer->sample);
        return;
    }
    if (vote_copy(vote, answer->text, answer->length, answer->log_probs, answer->ends, answer->tokens,
                  &batch->error))
        return;
    vote->truncated = answer->truncated;
    if (answer->attention) { // taken over
        vote->attention = *answer->attention;
        *answer->attention = (struct attention_map){0};
    }
    if (++job->arrived == batch->options->samples) job->finished = true;
}

static void fail_job(struct batch *batch, struct job *job, const struct error *why) {
    job->finished = true;
    if (!job->error) job->error = memory_new(1, sizeof *job->error, "error", &batch->error);
    if (job->error) *job->error = *why;
}

static void on_failure(void *context, const struct error *error) {
    struct job *job = context;
    fail_job(job->batch, job, error);
}

// Whether the model was made for such a picture.
static int check_scope(struct batch *batch, struct job *job, const struct image *image, struct error *error) {
    const struct locator_options *options = batch->options;
    double score = 0;
    int result = scope_judge(options->scope, image, options->model, &score, error);
    if (result == 0) {
        job->out_of_scope = score > options->scope->threshold;
        log_debug("%s: scores %.2f as no picture of the model's kind, up to %.2f is in scope", job->photo,
                  score, options->scope->threshold);
    }
    return result;
}

// The system message, if there is one; the picture; the question.
static int make_chat(struct chat *chat, const char *system, const char *photo, const char *text,
                     struct error *error) {
    if (system && (chat_add_message(chat, "system", error) || chat_add_part(chat, CHAT_TEXT, system, error)))
        return -1;
    return chat_add_message(chat, "user", error) || chat_add_part(chat, CHAT_IMAGE, photo, error) ||
                   chat_add_part(chat, CHAT_TEXT, text, error)
               ? -1
               : 0;
}

static int ask(struct batch *batch, struct job *job, const struct image *image, struct error *error) {
    const struct locator_options *options = batch->options;
    const struct locate_prompt *prompt = job->hint ? &job->hint->text : options->prompt;
    struct chat chat = {0};
    job->votes = memory_new(options->samples, sizeof *job->votes, "votes", error);
    if (!job->votes) return -1;
    const struct engine_request request = {
        .name = job->photo,
        .chat = &chat,
        .images = image,
        .image_count = 1,
        .sampling = options->sampling,
        .samples = options->samples,
        .max_tokens = options->max_tokens,
        .explain = options->explain != NULL,
        .events = {.on_text = batch->events && batch->events->on_text ? on_text : NULL,
                   .on_answer = on_answer,
                   .on_failure = on_failure,
                   .context = job}};
    int result = make_chat(&chat, options->system, job->photo, prompt->text, error);
    if (result == 0) result = engine_submit(batch->engine, &request, &job->ticket, error);
    chat_free(&chat);
    return result;
}

static void submit_image(struct batch *batch, size_t index, const struct image *image) {
    struct job *job = &batch->jobs[index];
    struct error error = {0};
    const struct locator_options *options = batch->options;
    if (options->hints) job->hint = folder_hints_find(options->hints, job->photo, &error);
    int result = options->hints && !job->hint ? -1 : 0;
    if (result == 0 && options->scope) result = check_scope(batch, job, image, &error);
    if (result == 0 && job->out_of_scope) {
        job->finished = true;
        return;
    }
    if (result == 0) result = ask(batch, job, image, &error);
    if (result) {
        if (!strstr(error.message, job->photo)) error_prefix(&error, "%s", job->photo);
        fail_job(batch, job, &error);
    }
}

static int open_photo(const struct locator_options *options, const char *photo, struct photo_source *source,
                      struct error *error) {
    return options->pictures ? options->pictures->open(options->pictures->context, photo, source, error)
                             : photo_source_open(source, photo, NULL, SIZE_MAX, error);
}

static int hash_photo(const struct locator_options *options, const char *photo, char text[HASH_TEXT],
                      struct error *error) {
    struct photo_source source;
    if (!options->pictures && !photo_source_is_url(photo)) return hash_file(photo, text, error);
    if (open_photo(options, photo, &source, error)) return -1;
    int result = hash_bytes(source.data, source.length, text, error);
    photo_source_close(&source);
    return result;
}

static int decode_photo(const struct locator_options *options, const char *photo, struct image *image,
                        const struct photo_options *how, struct photo_facts *facts, struct error *error) {
    struct photo_source source;
    if (!options->pictures) return photo_decode_file(image, photo, how, facts, error);
    *image = (struct image){0};
    if (open_photo(options, photo, &source, error)) return -1;
    int result = photo_decode_buffer(image, source.data, source.length, source.name, how, facts, error);
    photo_source_close(&source);
    return result;
}

static int take_hash(struct job *job, struct error *error) {
    char text[HASH_TEXT];
    if (hash_photo(job->batch->options, job->photo, text, error)) return -1;
    job->hash = memory_copy_string(text, strlen(text), error);
    return job->hash ? 0 : -1;
}

static struct photo_options photo_options(const struct locator_options *options, bool again) {
    return (struct photo_options){.ignore_orientation = options->ignore_orientation,
                                  .as_pillow = options->ignore_orientation,
                                  .allow_truncated = options->allow_truncated,
                                  .quiet = again};
}

static void submit_file(struct batch *batch, size_t index) {
    struct job *job = &batch->jobs[index];
    const struct photo_options photo = photo_options(batch->options, false);
    struct image image = {0};
    struct error error = {0};
    job->started = clock_seconds();
    job->modified = photo_source_is_url(job->photo) ? 0 : provenance_photo_time(job->photo);
    struct photo_facts facts;
    bool asked = engine_check(batch->engine, &error) == 0; // else the picture is not even read
    if (!asked) error_prefix(&error, "%s", job->photo);
    if (!asked || decode_photo(batch->options, job->photo, &image, &photo, &facts, &error) ||
        take_hash(job, &error)) {
        fail_job(batch, job, &error);
    } else {
        job->gps = (struct point){facts.latitude, facts.longitude};
        job->flags =
            (facts.truncated ? (unsigned)FLAG_PART : 0) | (facts.preview_of ? (unsigned)FLAG_PREVIEW : 0);
        bool unreadable = facts.unreadable_position;
        job->has_gps = facts.has_position ||
                       xmp_position_of_sidecar(job->photo, &job->gps.lat, &job->gps.lon, &unreadable);
        if (unreadable && !job->has_gps)
            log_warning("%s: its metadata hold a position that cannot be read (malformed, out of range or "
                        "without N, S, E or W): taken as none",
                        job->photo);
        submit_image(batch, index, &image);
    }
    image_free(&image);
}

// What the job gathered.
static void empty_job(struct batch *batch, struct job *job) {
    for (size_t i = 0; job->votes && i < batch->options->samples; i++) vote_free(&job->votes[i]);
    free(job->votes);
    free(job->error);
    free(job->hash);
    job->votes = NULL;
    job->hash = NULL;
    job->error = NULL;
}

// The photo is read once more: keeping every picture in flight for this would cost far more. What goes wrong
// with the maps of one photo does not take its verdict away, nor the rest of the batch.
static int explain(struct batch *batch, struct job *job, struct verdict *verdict, const struct vote *vote,
                   struct error *error) {
    const struct photo_options photo = photo_options(batch->options, true);
    struct image image = {0};
    int result = decode_photo(batch->options, job->photo, &image, &photo, NULL, error);
    if (result == 0)
        result = evidence_write(verdict, vote, &image, batch->options->explain,
                                batch->options->replace_evidence, error);
    image_free(&image);
    if (result == 0 || error->code == ERROR_MEMORY || error->code == ERROR_INTERNAL) return result;
    verdict->evidence_error = memory_copy_string(error->message, strlen(error->message), error);
    return verdict->evidence_error ? 0 : -1;
}

// What the reward model says of the photo and the completion that is quoted.
static int ask_reward(const struct batch *batch, const struct job *job, struct verdict *verdict,
                      struct error *error) {
    const struct locator_options *options = batch->options;
    const struct photo_options photo = photo_options(options, true);
    const char *text = verdict->answer ? verdict->answer : "";
    struct image own = {0};
    if (!options->reward) return 0;
    if (!job->image && decode_photo(options, job->photo, &own, &photo, NULL, error)) return -1;
    const struct locatability_case one = {
        .name = job->photo, .image = job->image ? job->image : &own, .texts = &text, .count = 1};
    int result = locatability_model_score(options->reward, NULL, &one, 1, &verdict->locatability, error);
    image_free(&own);
    if (result) return error_prefix(error, "--locatability");
    verdict->has_locatability = true;
    if (verdict->outcome != VERDICT_PLACED || verdict->locatability >= options->locatability_below) return 0;
    verdict->outcome = VERDICT_ABSTAINED;
    verdict->flags |= FLAG_LOCATABILITY;
    return 0;
}

// The photo has no verdict when what was asked of it cannot be had.
static int fail_verdict(struct verdict *verdict, struct job *job, struct error *error) {
    if (error->code == ERROR_MEMORY || error->code == ERROR_INTERNAL || error->code == ERROR_INTERRUPTED ||
        error->code == ERROR_MODEL)
        return -1;
    verdict_free(verdict);
    *verdict = (struct verdict){.outcome = VERDICT_FAILED,
                                .error = *error,
                                .confidence = -1,
                                .radius_50_km = -1,
                                .radius_90_km = -1,
                                .gps_distance_km = -1,
                                .probability = -1,
                                .place.match = ""};
    *error = (struct error){0};
    verdict->photo = memory_copy_string(job->photo, strlen(job->photo), error);
    return verdict->photo ? 0 : -1;
}

// Beside the answer, what was measured. It never reaches a model and changes no answer.
static void compare_with_gps(struct verdict *verdict, const struct job *job) {
    const struct verdict_place *place = &verdict->place;
    verdict->has_gps = job->has_gps;
    verdict->gps = job->gps;
    if (!job->has_gps || !place->has_position) return;
    verdict->gps_distance_km = sphere_distance(place->position, job->gps);
    double allowed = fmax(VERDICT_FAR_KM, fmax(verdict->radius_90_km, place->radius_km));
    verdict->contradicts_gps = verdict->outcome == VERDICT_PLACED && verdict->gps_distance_km > allowed;
    if (verdict->contradicts_gps) verdict->flags |= FLAG_GPS;
}

static int make_verdict(struct batch *batch, struct job *job, struct verdict *verdict, struct error *error) {
    *verdict = (struct verdict){.confidence = -1,
                                .radius_50_km = -1,
                                .radius_90_km = -1,
                                .gps_distance_km = -1,
                                .probability = -1,
                                .place.match = ""};
    verdict->photo = memory_copy_string(job->photo, strlen(job->photo), error);
    int result = verdict->photo ? 0 : -1;
    if (result == 0 && job->error) {
        verdict->outcome = VERDICT_FAILED;
        verdict->error = *job->error;
    } else if (result == 0 && job->out_of_scope) {
        verdict->outcome = VERDICT_OUT_OF_SCOPE;
    } else if (result == 0) {
        size_t quoted;
        result = judge_votes(verdict, job->votes, job->arrived, &batch->options->judge, &quoted, error);
        const char *changes = engine_changes(batch->engine);
        if (result == 0 && *changes) {
            verdict->server_changes = memory_copy_string(changes, strlen(changes), error);
            if (!verdict->server_changes) result = -1;
        }
        if (result == 0 && ask_reward(batch, job, verdict, error)) result = fail_verdict(verdict, job, error);
        if (result == 0 && batch->options->explain && verdict->outcome != VERDICT_FAILED)
            result = explain(batch, job, verdict, &job->votes[quoted], error);
    }
    compare_with_gps(verdict, job);
    verdict->flags |= job->flags;
    if (result == 0 && job->hint && job->hint->sha256[0]) {
        verdict->hint_sha256 = memory_copy_string(job->hint->sha256, HASH_TEXT - 1, error);
        if (!verdict->hint_sha256) result = -1;
    }
    verdict->seconds = clock_seconds() - job->started;
    verdict->photo_sha256 = job->hash;
    verdict->photo_modified = job->modified;
    job->hash = NULL;
    empty_job(batch, job);
    if (result) verdict_free(verdict);
    return result;
}

// Everything that is finished goes out, in the order in which it finished within a step.
static int hand_over(struct batch *batch, struct error *error) {
    for (size_t i = batch->first_open; i < batch->submitted; i++) {
        struct job *job = &batch->jobs[i];
        if (!job->finished || job->done) continue;
        struct verdict verdict;
        if (make_verdict(batch, job, &verdict, error)) return -1;
        job->done = true;
        batch->counts->done++;
        batch->counts->failed += verdict.outcome == VERDICT_FAILED;
        int result = batch->events->on_verdict(batch->events->context, &verdict, error);
        verdict_free(&verdict);
        if (result) return -1;
    }
    while (batch->first_open < batch->submitted && batch->jobs[batch->first_open].done) batch->first_open++;
    return 0;
}

// One step of the engine, which must have something in flight: a batch never waits for what cannot come.
static int step(struct batch *batch, struct error *error) {
    if (engine_flying(batch->engine) == 0) return error_set(error, ERROR_INTERNAL, "the engine lost a photo");
    return engine_step(batch->engine, error);
}

static int take_event_error(const struct batch *batch, struct error *error) {
    return batch->error.code ? error_set(error, batch->error.code, "%s", batch->error.message) : 0;
}

static int check_cancelled(const struct batch *batch, struct error *error) {
    const atomic_int *cancelled = batch->options->cancelled;
    if (cancelled && atomic_load_explicit(cancelled, memory_order_relaxed))
        return error_set(error, ERROR_INTERRUPTED, "cancelled");
    return signals_check(error);
}

static int run(struct batch *batch, struct error *error) {
    const struct engine *engine = batch->engine;
    while (batch->counts->done < batch->count) {
        if (check_cancelled(batch, error)) return -1;
        if (batch->submitted < batch->count && (engine_room(engine) > 0 || engine_flying(engine) == 0))
            submit_file(batch, batch->submitted++);
        else if (step(batch, error))
            return -1;
        if (take_event_error(batch, error)) return -1;
        if (hand_over(batch, error)) return -1;
    }
    return 0;
}

static int open_batch(struct batch *batch, size_t count, struct error *error) {
    batch->jobs = memory_new(count, sizeof *batch->jobs, "photos", error);
    if (!batch->jobs) return -1;
    batch->count = count;
    for (size_t i = 0; i < count; i++) batch->jobs[i].batch = batch;
    return 0;
}

// After an interruption photos are in flight, and nobody is left to hear of them.
static void close_batch(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        if (job->ticket && !job->done) engine_cancel(batch->engine, job->ticket);
        empty_job(batch, job);
    }
    free(batch->jobs);
}

int locator_run(struct engine *engine, const struct locator_options *options, const char *const *photos,
                size_t count, const struct locator_events *events, struct locator_counts *counts,
                struct error *error) {
    struct batch batch = {.engine = engine, .options = options, .events = events, .counts = counts};
    *counts = (struct locator_counts){0};
    int result = open_batch(&batch, count, error);
    for (size_t i = 0; result == 0 && i < count; i++) batch.jobs[i].photo = photos[i];
    if (result == 0) result = run(&batch, error);
    close_batch(&batch);
    return result;
}

int locator_image(struct engine *engine, const struct locator_options *options, const struct image *image,
                  const char *name, const struct locator_events *events, struct verdict *verdict,
                  struct error *error) {
    struct locator_counts counts = {0};
    struct batch batch = {.engine = engine, .options = options, .events = events, .counts = &counts};
    int result = open_batch(&batch, 1, error);
    if (result == 0) result = check_cancelled(&batch, error);
    if (result == 0) {
        struct job *job = &batch.jobs[0];
        job->photo = name;
        job->image = image;
        job->started = clock_seconds();
        submit_image(&batch, 0, image);
        while (result == 0 && !job->finished) {
            result = check_cancelled(&batch, error);
            if (result == 0) result = step(&batch, error);
            if (result == 0) result = take_event_error(&batch, error);
        }
        if (result == 0) result = take_event_error(&batch, error);
        if (result == 0) result = make_verdict(&batch, job, verdict, error);
    }
    close_batch(&batch);
    return result;
}
