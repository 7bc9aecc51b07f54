// What a tokenizer is made of, for the files that read it, encode and decode.
#ifndef GLOBE_TEXT_TOKENIZER_INTERNAL_H
#define GLOBE_TEXT_TOKENIZER_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "text/added.h"
#include "text/bpe.h"
#include "text/split.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

struct tokenizer {
    struct vocabulary vocabulary;
    struct bpe bpe;
    struct split_rule *split;
    bool nfc;                // the file asks for NFC
    struct added raw;        // added tokens that are looked for in the text as it is,
    struct added normalized; // and those looked for after normalisation ("normalized": true)
};

// From the parsed tokenizer.json. Every failure is ERROR_MODEL, ERROR_LIMIT or ERROR_MEMORY.
struct tokenizer *tokenizer_build(const json_t *root, const char *name, struct error *error);

// FOLDER's vocab.json, merges.txt and tokenizer_config.json as one object in the form of a tokenizer.json,
// with the rules of Qwen2Tokenizer. json_decref() it.
json_t *tokenizer_gather(const char *folder, struct error *error);

#endif
