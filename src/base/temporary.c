#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 512, DEEPEST = 4, LISTING = 4096 };
enum { FREE, BUSY, NOTED };

static struct {
    atomic_int state;
    enum temporary_kind kind;
    char *path;
} slots[MOST];

int temporary_note(const char *path, enum temporary_kind kind) {
    char *copy = strdup(path);
    if (!copy) return -1;
    for (int i = 0; i < MOST; i++) {
        int state = FREE;
        if (!atomic_compare_exchange_strong(&slots[i].state, &state, BUSY)) continue;
        slots[i].path = copy;
        slots[i].kind = kind;
        atomic_store(&slots[i].state, NOTED);
        return i;
    }
    free(copy);
    return -1;
}

void temporary_forget(int number) {
    if (number < 0 || number >= MOST) return;
    int state = NOTED;
    if (!atomic_compare_exchange_strong(&slots[number].state, &state, BUSY)) return; // a handler has it
    free(slots[number].path);
    slots[number].path = NULL;
    atomic_store(&slots[number].state, FREE);
}

// As the kernel gives it (getdents64(2)): opendir() takes memory, which a signal handler must not.
struct entry {
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};

static void empty_folder(int folder, int depth) {
    _Alignas(struct entry) char listing[LISTING];
    for (long got; (got = syscall(SYS_getdents64, folder, listing, sizeof listing)) > 0;)
        for (long at = 0; at < got;) {
            const struct entry *entry = (const struct entry *)(const void *)(listing + at);
            const char *name = entry->name;
            at += entry->length;
            if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) continue;
            if (unlinkat(folder, name, 0) == 0 || depth == DEEPEST) continue;
            int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below < 0) continue;
            empty_folder(below, depth + 1);
            close(below);
            unlinkat(folder, name, AT_REMOVEDIR);
        }
}

static void remove_one(const char *path, enum temporary_kind kind) {
    if (kind == TEMPORARY_FILE) {
        unlink(path);
        return;
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) return;
    empty_folder(folder, 1);
    close(folder);
    if (kind == TEMPORARY_FOLDER) rmdir(path);
}

void temporary_remove_all(void) {
    int saved = errno;
    for (int i = 0; i < MOST; i++) {
        int state = NOTED;
        // Stays taken: the process is about to end, and free() is not for handlers.
        if (atomic_compare_exchange_strong(&slots[i].state, &state, BUSY))
            remove_one(slots[i].path, slots[i].kind);
    }
    errno = saved;
}
