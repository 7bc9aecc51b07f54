#include "photo/library.h"

#include <pthread.h>
#include <string.h>

#include <vips/vips.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int failed_to_start;

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
    (void)domain, (void)level, (void)message, (void)data;
}

static void start(void) {
    // Warnings ("... marker in JPEG ignored") would go to stderr, where only our own messages belong.
    g_log_set_handler("VIPS",
                      G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG,
                      say_nothing, NULL);
    failed_to_start = vips_init("globe");
    if (failed_to_start) return;
    vips_block_untrusted_set(TRUE);
    vips_cache_set_max(0); // operations are kept by buffer address, which the next photo may share
    vips_concurrency_set(1);
}

// The first line of libvips' text without the name of the part that wrote it ("VipsJpeg: ...").
static void take_reason(char reason[LIBRARY_REASON]) {
    const char *text = vips_error_buffer();
    const char *colon = strstr(text, ": ");
    if (colon && colon < text + strcspn(text, " \n")) text = colon + 2;
    size_t length = strcspn(text, "\n");
    if (length > LIBRARY_REASON - 1) length = LIBRARY_REASON - 1;
    memcpy(reason, text, length);
    while (length && (reason[length - 1] == ' ' || reason[length - 1] == '.')) length--;
    reason[length] = 0;
    if (!length) strcpy(reason, "unreadable");
    vips_error_clear();
}

int library_run(library_work *work, void *state, char reason[LIBRARY_REASON], struct error *error) {
    reason[0] = 0;
    pthread_once(&once, start);
    if (failed_to_start) return error_set(error, ERROR_INTERNAL, "libvips does not start");
    pthread_rwlock_rdlock(&lock);
    int result = work(state, error);
    pthread_rwlock_unlock(&lock);
    if (result > 0) {
        pthread_rwlock_wrlock(&lock);
        vips_error_clear();
        result = work(state, error);
        if (result > 0) take_reason(reason);
        pthread_rwlock_unlock(&lock);
    }
    vips_thread_shutdown(); // libvips' caches of this thread, which may be about to end
    return result;
}
