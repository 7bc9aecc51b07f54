/* The smallest useful program with libglobe:
 *
 *     cc locate.c $(pkg-config --cflags --libs globe) -o locate
 *     ./locate MODEL PHOTO...
 */
#include <globe.h>
#include <stdio.h>

static void show(void *context, const char *text, size_t length) {
    (void)context;
    fwrite(text, 1, length, stdout);
    fflush(stdout);
}

int main(int argc, char **argv) {
    char message[GLOBE_MESSAGE_SIZE];
    int failed = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: locate MODEL PHOTO...\n");
        return 2;
    }
    struct globe_options options = GLOBE_OPTIONS_INIT;
    options.model = argv[1];
    struct globe *globe = globe_open(&options, message);
    if (!globe) {
        fprintf(stderr, "locate: %s\n", message);
        return 1;
    }
    struct globe_request request = GLOBE_REQUEST_INIT;
    request.max_tokens =
        1024; /* the reasoning comes first: a shorter answer is cut before it names a place */
    request.on_text = show;
    for (int i = 2; i < argc; i++) {
        struct globe_result *result = globe_locate_file(globe, argv[i], &request, message);
        if (!result) {
            fprintf(stderr, "locate: %s\n", message);
            failed = 1;
            continue;
        }
        const struct globe_place *place = globe_result_place(result);
        if (place)
            printf("\n%s: %s, %s, %.0f %% sure\n", argv[i], place->city, place->country,
                   100 * globe_result_confidence(result));
        else
            printf("\n%s: no place\n", argv[i]);
        for (size_t c = 0; c < globe_result_clues(result); c++)
            printf("  %s: %s\n", globe_result_clue_kind(result, c), globe_result_clue_text(result, c));
        globe_result_free(result);
    }
    globe_close(globe);
    return failed;
}
