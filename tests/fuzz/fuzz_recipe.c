// Any bytes as a recipe: a mistake is said in words; what is accepted gives a text that gives itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void write_file(const void *data, size_t size) {
    if (!path[0]) snprintf(path, sizeof path, "/tmp/globe-fuzz-recipe-%d", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const needed[] = {"model.folder=m", "data.train=t", "run.folder=r",
                                         "reward.functions=format"};
    const enum recipe_use use = size % 2 ? RECIPE_GRPO : RECIPE_SFT;
    struct error error = {0};
    char *text, *again;
    write_file(data, size);
    struct recipe *recipe = recipe_read(use, path, needed, use == RECIPE_GRPO ? 4 : 3, &text, &error);
    if (!recipe) {
        if (error.code == ERROR_NONE || !error.message[0] || text) abort();
        return 0;
    }
    write_file(text, strlen(text));
    struct recipe *second = recipe_read(use, path, NULL, 0, &again, &error);
    if (!second || strcmp(text, again) != 0) abort();
    recipe_free(recipe);
    recipe_free(second);
    free(text);
    free(again);
    return 0;
}
