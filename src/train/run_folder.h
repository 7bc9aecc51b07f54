// The folder of a run: whether it can be had, who writes into it, and which recipe it was started with.
#ifndef GLOBE_TRAIN_RUN_FOLDER_H
#define GLOBE_TRAIN_RUN_FOLDER_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

// Whether the folder can be made and files written into it: tried, and taken back. ERROR_INPUT also when what
// is there under the names of a run was not written by one.
int run_folder_check(const char *folder, struct error *error);
// mkdir -p.
int run_folder_make(const char *folder, struct error *error);

// One process writes into a run. *lock is -1 where the file system knows no locks; close it to end.
// ERROR_INPUT when another one has it.
int run_folder_lock(const char *folder, int *lock, struct error *error);
// Removes what a run that was killed left of its files; for whoever holds the lock.
void run_folder_tidy(const char *folder);

// Writes RUN/recipe.yaml.
int run_folder_write_recipe(const char *folder, const char *recipe, struct error *error);
// Appends the keys in which RUN/recipe.yaml is another than `recipe`: "optimizer.learning_rate 1e-5, now
// 2e-5".
void run_folder_compare_recipe(const char *folder, const char *recipe, struct buffer *differences);

#endif
