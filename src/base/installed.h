// Files that come with the program: the gazetteer, the embedded model.
#ifndef GLOBE_BASE_INSTALLED_H
#define GLOBE_BASE_INSTALLED_H

#include "base/error.h"

// The first that exists of NAME ("data/gazetteer.sqlite") in: the folder of the running program, the one
// above it (a build folder in the source tree), share/globe beside that, the share folder it was installed
// to, the current folder. free() it; NULL with ERROR_INPUT when there is none.
char *installed_find(const char *name, struct error *error);

#endif
