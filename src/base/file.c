#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/temporary.h"

enum { TEMPORARY_SUFFIX = 32 }; // ".PID-SERIAL.tmp"

static int open_regular(const char *path, struct stat *status, struct error *error) {
    // O_NONBLOCK: a FIFO in a photo folder must not stop the batch.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENXIO)
        return error_set(error, ERROR_INPUT, "%s: not a regular file", path); // a socket
    if (fd < 0) return error_set_errno(error, path, "cannot open");
    if (fstat(fd, status)) {
        error_set_errno(error, path, "cannot stat");
    } else if (S_ISDIR(status->st_mode)) {
        error_set(error, ERROR_INPUT, "%s: is a folder, not a file", path);
    } else if (!S_ISREG(status->st_mode)) {
        error_set(error, ERROR_INPUT, "%s: not a regular file", path);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

int file_check_pointer(const char *path, const void *data, size_t length, struct error *error) {
    static const char start[] = "version https://git-lfs.github.com/spec/";
    if (length < sizeof start - 1 || length > 1024 || memcmp(data, start, sizeof start - 1)) return 0;
    return error_set(error, ERROR_INPUT,
                     "%s: a Git LFS pointer, not the file itself: run `git lfs pull` in its folder", path);
}

char *file_read(const char *path, size_t limit, size_t *length, struct error *error) {
    struct stat status;
    int fd = open_regular(path, &status, error);
    if (fd < 0) return NULL;
    size_t size = (size_t)status.st_size, got = 0;
    char *data = NULL;
    if (size > limit) {
        error_set(error, ERROR_LIMIT, "%s: %zu bytes, more than the %zu that are read here", path, size,
                  limit);
    } else if ((data = memory_new(size + 1, 1, path, error))) {
        while (got < size) {
            ssize_t n = read(fd, data + got, size - got);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                error_set_errno(error, path, "cannot read");
                free(data);
                data = NULL;
            }
            if (n <= 0) break; // the file shrank: what is there is what counts
            got += (size_t)n;
        }
    }
    close(fd);
    if (data) {
        data[got] = 0;
        if (length) *length = got;
    }
    if (data && file_check_pointer(path, data, got, error)) {
        free(data);
        return NULL;
    }
    return data;
}

int file_map_open(struct file_map *map, const char *path, struct error *error) {
    struct stat status;
    *map = (struct file_map){0};
    int fd = open_regular(path, &status, error);
    if (fd < 0) return -1;
    if (status.st_size <= 0) {
        close(fd);
        return error_set(error, ERROR_INPUT, "%s: the file is empty", path);
    }
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int saved = errno;
    close(fd);
    if (data == MAP_FAILED) {
        errno = saved;
        return error_set_errno(error, path, "cannot map");
    }
    map->data = data;
    map->size = (size_t)status.st_size;
    if (file_check_pointer(path, map->data, map->size, error)) {
        file_map_close(map);
        return -1;
    }
    return 0;
}

void file_map_close(struct file_map *map) {
    if (map->data) munmap((void *)map->data, map->size);
    *map = (struct file_map){0};
}

// A new file beside the one it will replace. open() gives it the rights that the user's umask asks for. A
// name that is too long with our ending is left out of it.
static int create_temporary(char *name, size_t size, const char *path) {
    static atomic_uint serial;
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0, fd;
    bool brief = false;
    do {
        unsigned number = atomic_fetch_add(&serial, 1);
        if (brief)
            snprintf(name, size, "%.*s.%d-%u.tmp", folder, path, (int)getpid(), number);
        else
            snprintf(name, size, "%s.%d-%u.tmp", path, (int)getpid(), number);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno == ENAMETOOLONG && !brief) {
            brief = true;
            errno = EEXIST; // once more
        }
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0) name[0] = 0;
    return fd;
}

// Devices and pipes (-o /dev/null) are written to as they are: they must not be replaced.
static int open_destination(struct file_writer *writer, struct error *error) {
    struct stat status;
    bool exists = stat(writer->path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s: is a folder, not a file", writer->path);
    int fd;
    if (exists && !S_ISREG(status.st_mode))
        fd = open(writer->path, O_WRONLY | O_CLOEXEC);
    else
        fd = create_temporary(writer->temporary, strlen(writer->path) + TEMPORARY_SUFFIX, writer->path);
    if (fd >= 0 && writer->temporary[0]) writer->noted = temporary_note(writer->temporary, TEMPORARY_FILE);
    if (fd < 0) return error_set_errno(error, writer->path, "cannot write");
    if (exists && S_ISREG(status.st_mode))
        (void)!fchmod(fd, status.st_mode & 0777); // keep what the user chose
    writer->stream = fdopen(fd, "wb");
    if (writer->stream) return 0;
    error_set_errno(error, writer->path, "cannot write");
    close(fd);
    return -1;
}

int file_writer_open(struct file_writer *writer, const char *path, struct error *error) {
    *writer = (struct file_writer){.noted = -1};
    char *real = realpath(path, NULL); // through a symbolic link: the link stays
    writer->path = real ? real : memory_copy_string(path, strlen(path), error);
    if (writer->path) writer->temporary = memory_new(strlen(writer->path) + TEMPORARY_SUFFIX, 1, path, error);
    if (writer->temporary && open_destination(writer, error) == 0) return 0;
    file_writer_abandon(writer);
    return -1;
}

// What is there stays. Old file systems know no RENAME_NOREPLACE; a hard link never replaces anything either.
static int rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    return link(from, to) || unlink(from) ? -1 : 0;
}

static int commit(struct file_writer *writer, int (*move)(const char *from, const char *to),
                  struct error *error) {
    FILE *stream = writer->stream;
    bool replaces = writer->temporary[0] != 0;
    int failed = ferror(stream) || fflush(stream) || (replaces && fsync(fileno(stream)));
    if (failed) {
        error_set_errno(error, writer->path, "cannot write");
        file_writer_abandon(writer);
        return -1;
    }
    writer->stream = NULL;
    if (fclose(stream) || (replaces && move(writer->temporary, writer->path))) {
        error_set_errno(error, writer->path, "cannot write");
        file_writer_abandon(writer);
        return -1;
    }
    writer->temporary[0] = 0;
    file_writer_abandon(writer);
    return 0;
}

int file_writer_commit(struct file_writer *writer, struct error *error) {
    return commit(writer, rename, error);
}

int file_writer_commit_new(struct file_writer *writer, struct error *error) {
    return commit(writer, rename_new, error);
}

void file_writer_abandon(struct file_writer *writer) {
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary && writer->temporary[0]) unlink(writer->temporary);
    if (writer->temporary) temporary_forget(writer->noted);
    free(writer->temporary);
    free(writer->path);
    *writer = (struct file_writer){0};
}

int file_write(const char *path, const void *data, size_t length, struct error *error) {
    struct file_writer writer;
    if (file_writer_open(&writer, path, error)) return -1;
    if (length && fwrite(data, 1, length, writer.stream) != length) {
        error_set_errno(error, path, "cannot write");
        file_writer_abandon(&writer);
        return -1;
    }
    return file_writer_commit(&writer, error);
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool file_is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *file_identity(const char *path, struct error *error) {
    struct stat status;
    char text[64];
    if (stat(path, &status)) return memory_copy_string(path, strlen(path), error);
    int length = snprintf(text, sizeof text, "//%llx:%llx", (unsigned long long)status.st_dev,
                          (unsigned long long)status.st_ino);
    return memory_copy_string(text, (size_t)length, error);
}

char *file_join(const char *folder, const char *name, struct error *error) {
    if (name[0] == '/') return memory_copy_string(name, strlen(name), error);
    size_t length = strlen(folder) + strlen(name) + 2;
    char *path = memory_new(length, 1, name, error);
    if (path) snprintf(path, length, "%s/%s", folder, name);
    return path;
}

char *file_folder(const char *path, struct error *error) {
    const char *slash = strrchr(path, '/');
    if (!slash) return memory_copy_string(".", 1, error);
    return memory_copy_string(path, slash == path ? 1 : (size_t)(slash - path), error);
}
