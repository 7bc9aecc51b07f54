// libvips, started once and made to say why something failed. Private to the room.
#ifndef GLOBE_PHOTO_LIBRARY_H
#define GLOBE_PHOTO_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

enum { LIBRARY_REASON = 240 };

// The reason, whatever the format, when the data ends too early.
#define LIBRARY_CUT_SHORT "premature end of file"

// Work that calls libvips: 0 done, -1 failed with its own error, 1 a libvips call failed.
typedef int library_work(void *state, struct error *error);

// Starts libvips if need be and does the work, in parallel with other threads. libvips has one error text for
// all threads, so when it fails, the work is done a second time with nobody else inside; `reason` is then the
// text of this failure and no other. Returns what the work returned.
int library_run(library_work *work, void *state, char reason[LIBRARY_REASON], struct error *error);

#endif
