// What an examination showed: a table to read, or JSON.
#ifndef GLOBE_EVAL_REPORT_H
#define GLOBE_EVAL_REPORT_H

#include "base/buffer.h"
#include "eval/exam.h"

void report_text(struct buffer *out, const struct exam *exam);
// One object; shares are 0..1, null where nothing was counted. docs/eval.md names every key.
int report_json(struct buffer *out, const struct exam *exam, struct error *error);

#endif
