// Whether a checkpoint's chat template (Jinja) is the one that text/chat.h writes. Templates are not run here, they are
// compared: in a form in which blanks within tags, quotes, comments, trimmed lines, and message.role for message['role']
// make no difference. A fine-tune with another template has learnt other words around its messages.
#ifndef GLOBE_TEXT_CHAT_TEMPLATE_H
#define GLOBE_TEXT_CHAT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/warnings.h"

// Looks at what transformers takes for the template of FOLDER: chat_template.jinja, chat_template.json,
// processor_config.json, or if there is none of these tokenizer_config.json. All that are there must be templates that
// mean the built-in one: ERROR_MODEL naming the file, or with `builtin` a warning. No template at all is fine.
int chat_template_check(const char *folder, bool builtin, struct warnings *warnings, struct error *error);

// Appends the form in which templates are compared; never fails but for memory (buffer).
void chat_template_canonical(const char *text, size_t length, struct buffer *out);
bool chat_template_is_builtin(const char *text, size_t length);

#endif
