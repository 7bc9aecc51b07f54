#include "train/loader.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct slot {
    bool ready;
    int result;
    struct sample sample;
    struct error error;
};

struct loader {
    struct loader_source source;
    const size_t *rows;
    size_t count;
    struct slot *slots; // [ahead], sample n in slot n % ahead
    size_t ahead;
    size_t taken;   // by the consumer
    size_t started; // by the threads
    bool stop;
    pthread_t *threads;
    size_t thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static void make(struct loader *loader, size_t number, struct slot *slot) {
    const struct loader_source *source = &loader->source;
    size_t row = loader->rows[number];
    *slot = (struct slot){0};
    if (!source->skip || !source->skip(source->context, row))
        slot->result = source->load(source->context, row, &slot->sample, &slot->error);
}

static void *work(void *context) {
    struct loader *loader = context;
    pthread_mutex_lock(&loader->mutex);
    while (!loader->stop && loader->started < loader->count) {
        if (loader->started >= loader->taken + loader->ahead) {
            pthread_cond_wait(&loader->changed, &loader->mutex);
            continue;
        }
        size_t number = loader->started++;
        pthread_mutex_unlock(&loader->mutex);
        struct slot slot;
        make(loader, number, &slot);
        slot.ready = true;
        pthread_mutex_lock(&loader->mutex);
        loader->slots[number % loader->ahead] = slot;
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

struct loader *loader_start(const struct loader_source *source, const size_t *rows, size_t count,
                            size_t threads, size_t ahead, struct error *error) {
    struct loader *loader = memory_new(1, sizeof *loader, "loader", error);
    if (!loader) return NULL;
    *loader = (struct loader){.source = *source, .rows = rows, .count = count, .ahead = ahead ? ahead : 1};
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    loader->slots = memory_new(loader->ahead, sizeof *loader->slots, "loader", error);
    loader->threads = memory_new(threads ? threads : 1, sizeof *loader->threads, "loader", error);
    bool failed = !loader->slots || !loader->threads;
    while (!failed && loader->thread_count < (threads ? threads : 1)) {
        if (pthread_create(&loader->threads[loader->thread_count], NULL, work, loader)) {
            failed = loader->thread_count == 0; // fewer will do
            if (failed) error_set(error, ERROR_MEMORY, "cannot start a thread to load pictures");
            break;
        }
        loader->thread_count++;
    }
    if (!failed) return loader;
    loader_stop(loader);
    return NULL;
}

int loader_next(struct loader *loader, size_t *row, struct sample *sample, struct error *error) {
    *sample = (struct sample){0};
    if (loader->taken == loader->count) return error_set(error, ERROR_INTERNAL, "no more rows to load");
    pthread_mutex_lock(&loader->mutex);
    struct slot *slot = &loader->slots[loader->taken % loader->ahead];
    while (!slot->ready) pthread_cond_wait(&loader->changed, &loader->mutex);
    *row = loader->rows[loader->taken++];
    *sample = slot->sample;
    int result = slot->result;
    if (result && error) *error = slot->error;
    *slot = (struct slot){0};
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    return result;
}

void loader_stop(struct loader *loader) {
    if (!loader) return;
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    for (size_t i = 0; i < loader->thread_count; i++) pthread_join(loader->threads[i], NULL);
    for (size_t i = 0; loader->slots && i < loader->ahead; i++) sample_free(&loader->slots[i].sample);
    pthread_cond_destroy(&loader->changed);
    pthread_mutex_destroy(&loader->mutex);
    free(loader->slots);
    free(loader->threads);
    free(loader);
}
