// What the model is asked.
#ifndef GLOBE_TEXT_PROMPTS_H
#define GLOBE_TEXT_PROMPTS_H

#include <stdbool.h>

#include "base/error.h"

struct locate_prompt {
    char *text;     // what stands after the image
    bool reasoning; // it asks for <think> and <answer>
};

// NAME: "globe" (what GLOBE was trained with), "compat-eval" (what its eval.py sends), "direct" (no
// reasoning), byte for byte as released (rewards_and_eval.md sections 1.1 and 5), or the path of a text file.
// With a hint, which may be NULL, one line about it is added. ERROR_INPUT when the file cannot be read or
// holds nothing.
int locate_prompt_open(struct locate_prompt *prompt, const char *name, const char *hint, struct error *error);
void locate_prompt_free(struct locate_prompt *prompt);

// What the reward model of locatability is told before it sees a picture and a completion (rewards_and_eval.md
// section 3.3), its newline at the end included.
extern const char locatability_prompt[];

#endif
