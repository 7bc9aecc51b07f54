// globe: parse the first word, run its command, make sure that the results arrived.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signals.h"
#include "cli/command.h"

// A closed stdin, stdout or stderr would hand its number to the next file opened, which would then receive
// our output. The stand-ins are opened the wrong way round for reading from and writing to them to fail, as
// it should.
static void occupy_standard_streams(void) {
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) _exit(ERROR_IO);
}

// Results that did not reach their reader are a failure, however well the work went.
static int close_output(int status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    log_error("cannot write to standard output%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return status == ERROR_NONE ? ERROR_IO : status;
}

int main(int argc, char **argv) {
    occupy_standard_streams();
    signal(SIGPIPE, SIG_DFL); // `globe ... | head` ends quietly, even if our parent ignores the signal
    signals_catch();

    static char help[] = "help", version[] = "version";
    if (argc < 2) {
        log_error("which command? 'globe --help' lists them");
        return ERROR_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) argv[1] = help;
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) argv[1] = version;
    return close_output(command_dispatch(argc - 1, argv + 1));
}
