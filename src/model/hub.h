// Names of models on the Hugging Face hub, and the cache where its tools keep what they downloaded.
#ifndef GLOBE_MODEL_HUB_H
#define GLOBE_MODEL_HUB_H

#include <stddef.h>

#include "base/error.h"
#include "base/warnings.h"

// The folder of a model or adapter, in new memory: NAME itself when it is a folder; else, for a name like
// "Qwen/Qwen2.5-VL-3B-Instruct", its snapshot in the cache ($HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
// $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub), and a warning says so. Nothing is ever downloaded.
// ERROR_MODEL says what to do when there is neither, and for a single file (.gguf, .bin, .safetensors ...). `option`
// is how people name it: "--model".
char *hub_find(const char *name, const char *option, struct warnings *warnings, struct error *error);

// The last part of a model's name or folder, "Qwen2.5-VL-3B-Instruct" also for a snapshot in the cache, into
// text[0, size).
void hub_short_name(const char *name, char *text, size_t size);

#endif
