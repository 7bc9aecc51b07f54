// How a record was made: enough to say whether two records are answers to the same question, and to ask it
// again (docs/output-formats.md, "Provenance").
#ifndef GLOBE_LOCATE_PROVENANCE_H
#define GLOBE_LOCATE_PROVENANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "locate/session.h"
#include "locate/writer.h"

struct provenance {
    char model_hash[HASH_TEXT];    // "" when it cannot be known (a server's model)
    char settings_hash[HASH_TEXT]; // of settings and seed
    json_t *settings;              // all that changes answers, by the options' names
    uint64_t seed;
    bool explain; // attention maps were asked for
};

// From what is asked for, before anything is opened: a model of many gigabytes is not loaded to find out that
// its answers do not belong into a file. Reads the prompt, the gazetteer's description and parts of the
// model's files. The last two may be missing (the session will say so): then they have no hash.
int provenance_make(struct provenance *provenance, const struct session_options *options,
                    enum writer_precision precision, struct error *error);
void provenance_free(struct provenance *provenance);

// A folder with a model or an adapter: SHA-256 over names and sizes of its files, the whole of small ones,
// and of *.safetensors above 16 MiB the first MiB (the header) and 64 blocks of 4 KiB, evenly spaced.
// Reads 1.3 MB a file, whatever its size; a model that was trained on differs in all of its blocks.
int provenance_hash_model(const char *folder, char text[HASH_TEXT], struct error *error);

// The object of a record, with what its verdict says of the photo and the hint. New reference, NULL when memory
// runs out. `model` may be NULL.
json_t *provenance_to_json(const struct provenance *provenance, const char *model,
                           const struct verdict *verdict);
// Whether the photo is no longer the file that a record with this provenance is about. It is read only when it
// was written to since, by its time. False when either is not known, or it cannot be read: to be told elsewhere.
bool provenance_photo_differs(const char *photo, int64_t photo_modified, const char *photo_hash);
// When a file was last written to, nanoseconds since 1970; 0: there is none.
int64_t provenance_photo_time(const char *photo);

// Appends what differs between this run and a record's provenance, "samples: 1, now 4; precision: ...";
// nothing when they are answers to the same question. Another version of the program is not looked at.
void provenance_compare(const struct provenance *provenance, const json_t *record, struct buffer *out);

#endif
