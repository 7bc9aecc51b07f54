// Pictures of where the model looked (--explain), for a person to hold against what it claims.
//
// For a stretch of the completion (the sentence of a clue, or the answer), each patch's attention is the mean
// over the tokens of the stretch (model/attention_map.h says what is averaged per token), divided by the mean
// over all tokens of the completion: patches that are always looked at do not light up, those looked at for
// this very sentence do. The brightest patch is at full strength.
#ifndef GLOBE_LOCATE_EVIDENCE_H
#define GLOBE_LOCATE_EVIDENCE_H

#include "locate/judge.h"
#include "photo/image.h"

// Writes FOLDER/PHOTO.answer.png and FOLDER/PHOTO.clue-N.png (PHOTO: its path with "/" as "_", cut to 200
// bytes, and, when that is not the path itself, "." and 8 digits of its SHA-256) and notes their paths in the
// verdict: what is noted is there, also after an error. Pictures that globe did not make are only replaced
// with `replace`. `vote` is the one that the verdict quotes; without its attention map or token ends nothing
// is written.
int evidence_write(struct verdict *verdict, const struct vote *vote, const struct image *photo,
                   const char *folder, bool replace, struct error *error);

// The relative attention to each patch, 0..1, of the tokens that overlap text[first, first + length); for the
// whole completion, which has nothing to be compared with, the attention itself. `out` has room for rows *
// columns. False when no token overlaps.
bool evidence_heat(const struct vote *vote, size_t first, size_t length, float *out);

#endif
