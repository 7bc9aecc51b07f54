// What must not outlive the process: temporary files, half-written folders, locks. They are noted here, and
// go when a signal ends the process in the middle (base/signals.h); whoever finishes in the ordinary way
// removes or renames them himself and forgets them.
#ifndef GLOBE_BASE_TEMPORARY_H
#define GLOBE_BASE_TEMPORARY_H

enum temporary_kind {
    TEMPORARY_FILE,
    TEMPORARY_FOLDER,  // with all that is in it, four folders deep
    TEMPORARY_CONTENTS // what is in the folder, which itself stays
};

// Copies the path, which is absolute or relative to where the process stays. Returns a number for
// temporary_forget; negative when there is no room, then a signal leaves it behind.
int temporary_note(const char *path, enum temporary_kind kind);
void temporary_forget(int number); // negative: nothing
// Removes all that is noted. Safe in a signal handler.
void temporary_remove_all(void);

#endif
