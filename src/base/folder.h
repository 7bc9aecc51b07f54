// Folders that appear whole or not at all.
#ifndef GLOBE_BASE_FOLDER_H
#define GLOBE_BASE_FOLDER_H

#include "base/error.h"

// Removes the folder and all that is in it; one that is not there is no error. Links are removed, not followed.
int folder_remove(const char *path, struct error *error);

// Makes "PATH.PID-N.tmp", to be filled and renamed to PATH; free() the name. A run that claims PATH removes what a
// killed one left of it (base/output.h).
char *folder_make_temporary(const char *path, struct error *error);

#endif
