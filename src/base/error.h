// Errors: one struct, passed last, filled by whoever fails first. The message names the file or the field and
// the offending value in one line, so that the command line can print it as it is.
#ifndef GLOBE_BASE_ERROR_H
#define GLOBE_BASE_ERROR_H

// The codes are the exit statuses of the command line (docs/exit-status.md).
enum error_code {
    ERROR_NONE = 0,
    ERROR_PARTIAL = 1,      // a batch finished, but some of its items failed
    ERROR_USAGE = 2,        // unknown option, missing argument, value out of range
    ERROR_INPUT = 3,        // a photo, message or data file is missing, broken or not what it should be
    ERROR_MODEL = 4,        // a checkpoint, tokenizer or adapter is missing, broken or not supported
    ERROR_LIMIT = 5,        // the input is well formed but larger than a limit (context, pixels)
    ERROR_IO = 6,           // reading or writing failed (permissions, full disk)
    ERROR_MEMORY = 7,       // not enough memory
    ERROR_NETWORK = 8,      // an endpoint could not be reached or misbehaved
    ERROR_INTERNAL = 9,     // a bug of ours
    ERROR_SCOPE = 10,       // every picture is of a kind that the model was not made for
    ERROR_INTERRUPTED = 130 // stopped by a signal
};

struct error {
    enum error_code code;
    char message[480];
};

// Fills *error (unless NULL) and returns -1, so that `return error_set(...)` reads well. Control characters
// in the result (hostile file names) are replaced, and it is always one line of valid UTF-8.
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts "prefix: " in front of an error that is set already; returns -1.
int error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ERROR_IO or ERROR_INPUT from errno: "PATH: what: strerror". What is wrong with the path (ENOENT, EISDIR,
// ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EEXIST, ENXIO) is ERROR_INPUT.
int error_set_errno(struct error *error, const char *path, const char *what);

// Static analysis sees one file at a time: tell it what these return, or it follows paths that do not exist.
#ifdef __clang_analyzer__
#define error_set(...) (error_set(__VA_ARGS__), -1)
#define error_prefix(...) (error_prefix(__VA_ARGS__), -1)
#define error_set_errno(...) (error_set_errno(__VA_ARGS__), -1)
#endif

#endif
