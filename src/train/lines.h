// A file of JSON lines in a run's folder, each an object with its "step": what a run writes as it goes, and goes on with
// when it is resumed.
#ifndef GLOBE_TRAIN_LINES_H
#define GLOBE_TRAIN_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lines;

// FOLDER/NAME. Lines of an earlier attempt beyond `step` are dropped: a resumed run will write them again.
struct lines *lines_open(const char *folder, const char *name, uint64_t step, struct error *error);
int lines_add(struct lines *lines, const char *line, size_t length, struct error *error);
void lines_close(struct lines *lines);

#endif
