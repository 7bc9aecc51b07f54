#include "base/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

// ---- reading --------------------------------------------------------------------------------------------

static int read_lines(struct journal_mark *mark, const char *path, FILE *file, journal_visit *visit,
                      void *context, journal_torn *is_torn, const char *what, struct error *error) {
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&line, &capacity, file)) > 0) {
        number++;
        mark->size += (size_t)length;
        if (line[length - 1] == '\n') {
            result = visit(context, line, (size_t)length, mark->keep, number, error);
            mark->keep += (size_t)length;
        } else if (!is_torn(line, (size_t)length)) {
            result = error_set(error, ERROR_INPUT, "%s: line %zu: not %s, so the file is left as it is", path,
                               number, what);
        }
    }
    if (result == 0 && ferror(file)) result = error_set_errno(error, path, "cannot read");
    free(line);
    return result;
}

int journal_read(struct journal_mark *mark, const char *path, journal_visit *visit, void *context,
                 journal_torn *is_torn, const char *what, struct error *error) {
    struct stat status;
    *mark = (struct journal_mark){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would wait for a writer
    if (fd < 0) return errno == ENOENT ? 0 : error_set_errno(error, path, "cannot open");
    int result = 0;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        result =
            error_set(error, ERROR_INPUT, "%s: %s", path,
                      S_ISDIR(status.st_mode) ? "Is a directory" : "not a file that could be gone on with");
    FILE *file = result == 0 ? fdopen(fd, "r") : NULL;
    if (result == 0 && !file) result = error_set_errno(error, path, "cannot open");
    if (result == 0) result = read_lines(mark, path, file, visit, context, is_torn, what, error);
    if (file)
        fclose(file);
    else
        close(fd);
    return result;
}

// ---- writing --------------------------------------------------------------------------------------------

// What was read of it must be what is gone on with: a model may have been loaded for minutes since.
static int go_on(const struct journal *journal, const struct journal_mark *mark, struct error *error) {
    struct stat status;
    if (fstat(fileno(journal->stream), &status))
        return error_set_errno(error, journal->path, "cannot continue");
    if ((size_t)status.st_size != mark->size)
        return error_set(error, ERROR_INPUT,
                         "%s: was changed by somebody else since it was read; resume again", journal->path);
    if (mark->keep != mark->size && ftruncate(fileno(journal->stream), (off_t)mark->keep))
        return error_set_errno(error, journal->path, "cannot continue");
    return fseek(journal->stream, 0, SEEK_END) ? error_set_errno(error, journal->path, "cannot continue") : 0;
}

static void release(struct journal *journal) {
    if (journal->stream) fclose(journal->stream);
    free(journal->path);
    *journal = (struct journal){0};
}

int journal_open(struct journal *journal, const char *path, const struct journal_mark *mark,
                 struct error *error) {
    *journal = (struct journal){.path = memory_copy_string(path, strlen(path), error)};
    if (!journal->path) return -1;
    journal->stream = fopen(path, mark ? "ae" : "we");
    int result = journal->stream ? 0 : error_set_errno(error, path, "cannot write");
    if (result == 0 && mark) result = go_on(journal, mark, error);
    if (result) release(journal);
    return result;
}

int journal_add(struct journal *journal, const char *line, size_t length, struct error *error) {
    FILE *stream = journal->stream;
    if (fwrite(line, 1, length, stream) != length || putc('\n', stream) == EOF || fflush(stream))
        return error_set_errno(error, journal->path, "cannot write");
    return 0;
}

// To the disk, where the file has one: pipes and devices cannot be synchronised.
static int flush_to_disk(FILE *stream) {
    if (fflush(stream) || ferror(stream)) return -1;
    return fsync(fileno(stream)) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

int journal_close(struct journal *journal, struct error *error) {
    int failed = 0;
    if (journal->stream) {
        failed = flush_to_disk(journal->stream);
        if (fclose(journal->stream)) failed = -1;
        journal->stream = NULL;
        if (failed) error_set_errno(error, journal->path, "cannot write");
    }
    release(journal);
    return failed;
}

int journal_heal(const char *path, const struct journal_mark *mark, struct error *error) {
    if (mark->keep == mark->size || truncate(path, (off_t)mark->keep) == 0) return 0;
    return error_set_errno(error, path, "cannot mend");
}
