#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/temporary.h"

enum { HOLDER_SIZE = 256 };

// ---- names ----------------------------------------------------------------------------------------------

// Absolute and without links; what does not exist yet is named by its folder, and by itself when there is
// none.
static char *resolve(const char *path, struct error *error) {
    char *real = realpath(path, NULL);
    if (real) return real;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--; // "new-folder/"
    char *name = memory_copy_string(path, length, error);
    char *folder = name ? file_folder(name, error) : NULL;
    char *above = folder ? realpath(folder, NULL) : NULL;
    if (above) {
        const char *slash = strrchr(name, '/');
        real = file_join(above, slash ? slash + 1 : name, error);
        free(name);
    } else {
        real = name;
    }
    free(above);
    free(folder);
    return real;
}

static bool is_same(const struct output *output, const char *path) {
    struct stat status;
    if (stat(path, &status) == 0)
        return output->exists && status.st_dev == output->device && status.st_ino == output->inode;
    if (output->exists) return false;
    const char *own = strrchr(output->path, '/'), *other = strrchr(path, '/');
    if (strcmp(own ? own + 1 : output->path, other ? other + 1 : path) != 0) return false; // the quick answer
    char *real = resolve(path, NULL);
    bool same = real && strcmp(real, output->path) == 0;
    free(real);
    return same;
}

// ---- whose file -----------------------------------------------------------------------------------------

const char *output_find_line(const char *start, const char *line) {
    size_t length = strlen(line);
    for (const char *at = start; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, length) == 0) return at;
    }
    return NULL;
}

// Windows' editors and spreadsheets put a byte order mark in front.
static const char *skip_mark(const char *text) {
    return strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
}

int output_check(const char *path, const struct output_kind *kind, struct error *error) {
    struct stat status;
    if (stat(path, &status)) // a link that leads nowhere is not replaced either
        return lstat(path, &status) ? 0
                                    : error_set(error, ERROR_INPUT, "%s: a link that leads nowhere", path);
    if (S_ISDIR(status.st_mode)) return error_set(error, ERROR_INPUT, "%s: is a folder, not a file", path);
    if (!S_ISREG(status.st_mode) || status.st_size == 0) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return error_set_errno(error, path, "cannot look at what would be replaced");
    char *start = memory_new(OUTPUT_LOOK + 1, 1, path, error);
    ssize_t got = start ? read(fd, start, OUTPUT_LOOK) : -1;
    int result = start ? 0 : -1;
    if (start && got < 0) result = error_set_errno(error, path, "cannot look at what would be replaced");
    if (result == 0) {
        start[got] = 0;
        const char *text = skip_mark(start);
        if (!kind->is_own(text, (size_t)(got - (text - start))))
            result = error_set(error, ERROR_INPUT,
                               "%s: is not %s, so it is left as it is (choose another name, or --force)",
                               path, kind->name);
    }
    free(start);
    close(fd);
    return result;
}

// ---- the lock -------------------------------------------------------------------------------------------

// Beside the output, so that it holds on every machine that sees the folder, and survives a rename.
static char *name_lock(const char *path, struct error *error) {
    struct buffer name = {0};
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    unsigned long long hash = 0xCBF29CE484222325u; // FNV-1a, for names that leave no room
    for (const char *c = last; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
    buffer_add(&name, path, (size_t)(last - path));
    if (strlen(last) <= NAME_MAX - 16)
        buffer_format(&name, ".%s.lock", last);
    else
        buffer_format(&name, ".%016llx.lock", hash);
    char *lock = buffer_take(&name);
    if (!lock) error_set(error, ERROR_MEMORY, "%s: out of memory", path);
    return lock;
}

static int report_holder(const struct output *output, int lock, struct error *error) {
    char holder[HOLDER_SIZE] = "";
    ssize_t got = lock >= 0 ? pread(lock, holder, sizeof holder - 1, 0) : 0;
    holder[got > 0 ? got : 0] = 0;
    return error_set(error, ERROR_INPUT,
                     "%s: another run is writing it%s%s; wait for it, or choose another name", output->path,
                     holder[0] ? ": " : "", holder);
}

static void sign_lock(const struct outputs *outputs, int lock) {
    char host[65] = "?", since[32] = "?", text[HOLDER_SIZE];
    time_t now = time(NULL);
    struct tm local;
    if (gethostname(host, sizeof host - 1)) snprintf(host, sizeof host, "?");
    if (localtime_r(&now, &local)) strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &local);
    int length = snprintf(text, sizeof text, "%s, process %ld on %s, since %s",
                          outputs->command ? outputs->command : "globe", (long)getpid(), host, since);
    if (length > 0 && ftruncate(lock, 0) == 0) (void)!pwrite(lock, text, (size_t)length, 0);
}

static bool is_held(void) {
    return errno == EWOULDBLOCK || errno == EACCES || errno == EAGAIN;
}

// 1 when the lock file was removed by whoever held it before: try again. Its name must lead to what is
// locked.
static int take_lock(const struct outputs *outputs, struct output *output, struct error *error) {
    int fd = open(output->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return 0; // nothing may be made in the folder: the lock on the file itself has to do
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        int result = is_held() ? report_holder(output, fd, error) : 0; // a file system without locks
        close(fd);
        return result;
    }
    struct stat own, named;
    if (fstat(fd, &own) || stat(output->lock_path, &named) || own.st_ino != named.st_ino ||
        own.st_dev != named.st_dev) {
        close(fd);
        return 1;
    }
    output->lock = fd;
    output->noted = temporary_note(output->lock_path, TEMPORARY_FILE);
    sign_lock(outputs, fd);
    return 0;
}

// What a run that was killed left: NAME.PID-SERIAL.tmp (base/file.c, base/folder.c) of a process that is no more. Only
// while the lock is held: nobody else is writing there. *stem is the length of NAME.
static bool is_left_over(const char *name, size_t *stem) {
    size_t end = strlen(name), from;
    if (end < 4 || strcmp(name + end - 4, ".tmp") != 0) return false;
    end -= 4;
    for (from = end; from && strchr("0123456789-", name[from - 1]); from--) {
    }
    size_t digits = strspn(name + from, "0123456789"), rest = from + digits;
    if (!from || name[from - 1] != '.' || digits < 1 || digits > 9) return false;
    if (name[rest] == '-') rest += 1 + strspn(name + rest + 1, "0123456789");
    *stem = from - 1;
    long process = strtol(name + from, NULL, 10);
    return rest == end && process > 0 && kill((pid_t)process, 0) && errno == ESRCH;
}

static void remove_left_over(const char *folder, const char *name) {
    char *path = file_join(folder, name, NULL);
    if (path && unlink(path) && (errno == EISDIR || errno == EPERM)) folder_remove(path, NULL);
    free(path);
}

void output_remove_left_over(const char *path) {
    const char *slash = strrchr(path, '/'), *wanted = slash ? slash + 1 : path;
    char *folder = file_folder(path, NULL);
    DIR *list = folder ? opendir(folder) : NULL;
    size_t stem, length = strlen(wanted);
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; list && (entry = readdir(list));)
        if (strncmp(entry->d_name, wanted, length) == 0 && is_left_over(entry->d_name, &stem) &&
            stem == length)
            remove_left_over(folder, entry->d_name);
    if (list) closedir(list);
    free(folder);
}

void output_remove_left_overs(const char *folder, const char *ending) {
    DIR *list = opendir(folder);
    size_t stem, length = strlen(ending);
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; list && (entry = readdir(list));)
        if (is_left_over(entry->d_name, &stem) && stem >= length &&
            strncmp(entry->d_name + stem - length, ending, length) == 0)
            remove_left_over(folder, entry->d_name);
    if (list) closedir(list);
}

static int lock_output(const struct outputs *outputs, struct output *output, struct error *error) {
    output->lock_path = name_lock(output->path, error);
    if (!output->lock_path) return -1;
    int result;
    while ((result = take_lock(outputs, output, error)) > 0) {
    }
    if (result == 0 && output->lock >= 0) output_remove_left_over(output->path);
    if (result || !output->exists) return result;
    // The file itself, too: it may have other names, in other folders.
    output->file = open(output->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (output->file >= 0 && flock(output->file, LOCK_EX | LOCK_NB) && is_held())
        return report_holder(output, -1, error);
    return 0;
}

// ---- the outputs of a run -------------------------------------------------------------------------------

static void release(struct output *output) {
    if (output->lock >= 0) unlink(output->lock_path); // while it is held: nobody else's is removed
    temporary_forget(output->noted);
    if (output->lock >= 0) close(output->lock);
    if (output->file >= 0) close(output->file);
    free(output->lock_path);
    free(output->path);
    *output = (struct output){.lock = -1, .file = -1, .noted = -1};
}

void outputs_release(struct outputs *outputs) {
    for (size_t i = 0; i < outputs->count; i++) release(&outputs->list[i]);
    outputs->count = 0;
}

static int compare_with_others(const struct outputs *outputs, const char *option, const char *path,
                               struct error *error) {
    for (size_t i = 0; i < outputs->count; i++)
        if (is_same(&outputs->list[i], path))
            return error_set(error, ERROR_USAGE, "%s: both %s and %s would write it", path,
                             outputs->list[i].option, option);
    return 0;
}

static int claim(const struct outputs *outputs, struct output *output, const char *path,
                 const struct output_kind *kind, bool folder, struct error *error) {
    struct stat status;
    output->path = resolve(path, error);
    if (!output->path) return -1;
    output->exists = stat(path, &status) == 0;
    if (output->exists) {
        output->device = status.st_dev;
        output->inode = status.st_ino;
        if (folder && !S_ISDIR(status.st_mode))
            return error_set(error, ERROR_INPUT, "%s: is not a folder", path);
        if (!folder && S_ISDIR(status.st_mode))
            return error_set(error, ERROR_INPUT, "%s: is a folder, not a file", path);
        if (!folder && !S_ISREG(status.st_mode)) return 0;
    }
    if (lock_output(outputs, output, error)) return -1;
    return folder || !kind || outputs->force ? 0 : output_check(path, kind, error);
}

int outputs_add(struct outputs *outputs, const char *option, const char *path, const struct output_kind *kind,
                bool folder, struct error *error) {
    if (compare_with_others(outputs, option, path, error)) return -1;
    if (outputs->count == OUTPUT_MOST) return error_set(error, ERROR_INTERNAL, "%s: too many outputs", path);
    struct output *output = &outputs->list[outputs->count];
    *output = (struct output){.option = option, .lock = -1, .file = -1, .noted = -1};
    if (claim(outputs, output, path, kind, folder, error)) {
        release(output);
        return -1;
    }
    outputs->count++;
    return 0;
}

int outputs_add_standard(struct outputs *outputs, struct error *error) {
    static const char name[] = "standard output";
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) || !S_ISREG(status.st_mode)) return 0;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct output *other = &outputs->list[i];
        if (other->exists && other->device == status.st_dev && other->inode == status.st_ino)
            return error_set(error, ERROR_USAGE, "%s: both %s and %s would write it", other->path,
                             other->option, name);
    }
    return 0;
}

int outputs_spare(const struct outputs *outputs, const char *what, const char *path, struct error *error) {
    for (size_t i = 0; i < outputs->count; i++)
        if (is_same(&outputs->list[i], path))
            return error_set(error, ERROR_USAGE, "%s: is %s, and %s would replace it", path, what,
                             outputs->list[i].option);
    return 0;
}

int outputs_spare_folder(const struct outputs *outputs, const char *what, const char *path,
                         struct error *error) {
    DIR *folder = opendir(path);
    if (!folder) return outputs_spare(outputs, what, path, error);
    int result = 0;
    // cppcheck-suppress readdirCalled ; nobody else reads this stream
    for (struct dirent *entry; result == 0 && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *file = file_join(path, entry->d_name, error);
        result = file ? outputs_spare(outputs, what, file, error) : -1;
        free(file);
    }
    closedir(folder);
    return result;
}
