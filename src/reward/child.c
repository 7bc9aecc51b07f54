#include "reward/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"

enum { PIECE = 1 << 16, SLICE_MS = 200 };

static void close_pipe(int pipe[2]) {
    for (int i = 0; i < 2; i++)
        if (pipe[i] >= 0) close(pipe[i]);
}

// In a group of its own, so that Ctrl-C is for us to pass on; signals as a fresh program has them.
static int spawn(struct child *child, const char *command, int to, int from) {
    char shell[] = "sh", option[] = "-c";
    char *const arguments[] = {shell, option, (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    static const int defaults[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) sigaddset(&all, defaults[i]);
    if (posix_spawn_file_actions_init(&actions)) return ENOMEM;
    int result = posix_spawnattr_init(&attributes);
    if (result) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    result = posix_spawn_file_actions_adddup2(&actions, to, STDIN_FILENO);
    if (!result) result = posix_spawn_file_actions_adddup2(&actions, from, STDOUT_FILENO);
    if (!result) result = posix_spawn(&child->pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int child_start(struct child *child, const char *command, struct error *error) {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    *child = (struct child){.to = -1, .from = -1, .answer = child->answer};
    buffer_clear(&child->answer);
    int result = pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ? errno : spawn(child, command, in[0], out[1]);
    if (result) {
        close_pipe(in), close_pipe(out);
        child->pid = 0;
        return error_set(error, ERROR_IO, "\"%.100s\" cannot be started: %s", command, strerror(result));
    }
    close(in[0]), close(out[1]);
    child->to = in[1], child->from = out[0];
    fcntl(child->to, F_SETFL, O_NONBLOCK);
    fcntl(child->from, F_SETFL, O_NONBLOCK);
    return 0;
}

static bool ended(const struct child *child, int *status, double seconds) {
    double until = clock_seconds() + seconds;
    for (;;) {
        pid_t found = waitpid(child->pid, status, WNOHANG);
        if (found == child->pid) return true;
        if (found < 0 && errno != EINTR) {
            *status = 0;
            return true; // somebody else waited for it
        }
        if (clock_seconds() >= until) return false;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void forget(struct child *child) {
    if (child->to >= 0) close(child->to);
    if (child->from >= 0) close(child->from);
    buffer_free(&child->answer);
    *child = (struct child){.to = -1, .from = -1};
}

void child_stop(struct child *child, double patience) {
    int status;
    if (!child->pid) {
        buffer_free(&child->answer);
        return;
    }
    pid_t group = child->pid;
    if (child->to >= 0) close(child->to);
    child->to = -1;
    bool over = ended(child, &status, patience);
    kill(-group, SIGTERM); // what it started, too
    if (!over) over = ended(child, &status, 1);
    kill(-group, SIGKILL);
    if (!over) ended(child, &status, 5);
    forget(child);
}

// It closed its output, or its input: says how it ended.
static int complain_of_end(struct child *child, struct error *error) {
    int status = 0;
    size_t length = child->answer.length;
    if (!ended(child, &status, 10)) {
        child_stop(child, 0);
        return error_set(error, ERROR_NETWORK, "it closed its output, but goes on running");
    }
    kill(-child->pid, SIGKILL);
    forget(child);
    const char *when = length ? ", in the middle of an answer" : " without an answer";
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_NETWORK, "it was ended by signal %d (%s)%s", WTERMSIG(status),
                         strsignal(WTERMSIG(status)), when);
    return error_set(error, ERROR_NETWORK, "it ended with status %d%s%s", WEXITSTATUS(status), when,
                     WEXITSTATUS(status) == 127 ? " (the shell found no such command)" : "");
}

// A write to a child that is gone must not end us.
static ssize_t write_quietly(int file, const char *data, size_t length) {
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t written = write(file, data, length);
    int reason = errno;
    if (written < 0 && reason == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_signal, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return written;
}

enum progress { PROGRESS_GOES_ON, PROGRESS_DONE, PROGRESS_ENDED };

static enum progress read_some(struct child *child) {
    char piece[PIECE];
    ssize_t got = read(child->from, piece, sizeof piece);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? PROGRESS_GOES_ON : PROGRESS_ENDED;
    if (got == 0) return PROGRESS_ENDED;
    buffer_add(&child->answer, piece, (size_t)got);
    return memchr(piece, '\n', (size_t)got) ? PROGRESS_DONE : PROGRESS_GOES_ON;
}

// Waits for either side and moves what it can. *sent grows to `length`.
static int move(struct child *child, const char *question, size_t length, size_t *sent,
                enum progress *progress, struct error *error) {
    struct pollfd files[2] = {{child->from, POLLIN, 0}, {*sent < length ? child->to : -1, POLLOUT, 0}};
    *progress = PROGRESS_GOES_ON;
    if (poll(files, 2, SLICE_MS) < 0 && errno != EINTR)
        return error_set(error, ERROR_IO, "waiting for it failed: %s", strerror(errno));
    if (signals_check(error)) return -1;
    if (files[0].revents) *progress = read_some(child);
    if (files[1].revents && *progress == PROGRESS_GOES_ON) {
        ssize_t written = write_quietly(child->to, question + *sent, length - *sent);
        if (written > 0) *sent += (size_t)written;
        if (written < 0 && errno != EAGAIN && errno != EINTR) *progress = PROGRESS_ENDED;
    }
    return 0;
}

static int take_line(struct child *child, bool whole, struct error *error) {
    struct buffer *answer = &child->answer;
    char *end = memchr(answer->data, '\n', answer->length);
    if (end != answer->data + answer->length - 1)
        return error_set(error, ERROR_INPUT, "it wrote more than one line for one question");
    if (!whole) return error_set(error, ERROR_INPUT, "it answered before it had read the question");
    *end = 0;
    answer->length--;
    return 0;
}

int child_ask(struct child *child, const char *question, size_t length, double seconds, size_t most,
              struct error *error) {
    size_t sent = 0;
    double until = clock_seconds() + seconds;
    buffer_clear(&child->answer);
    for (;;) {
        enum progress progress;
        if (move(child, question, length, &sent, &progress, error)) return -1;
        if (child->answer.failed) return error_set(error, ERROR_MEMORY, "no memory for its answer");
        if (child->answer.length > most)
            return error_set(error, ERROR_INPUT, "its answer is longer than %zu bytes", most);
        if (progress == PROGRESS_DONE) return take_line(child, sent == length, error);
        if (progress == PROGRESS_ENDED) return complain_of_end(child, error);
        if (clock_seconds() > until)
            return error_set(error, ERROR_NETWORK, "it did not answer within %g seconds (option timeout)",
                             seconds);
    }
}
