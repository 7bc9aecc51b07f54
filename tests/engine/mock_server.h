// A small HTTP server on 127.0.0.1 that behaves as badly as a test wants: every request takes the next step
// of a script, the last step serves all further ones.
#ifndef GLOBE_TESTS_ENGINE_MOCK_SERVER_H
#define GLOBE_TESTS_ENGINE_MOCK_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct mock_step {
    const char *headers; // further header lines, each ended by "\r\n"; NULL: none
    const char *type;    // content type; NULL: application/json
    const char *body;    // NULL: empty
    size_t body_length;  // 0: up to its NUL
    size_t repeat;       // the body is sent that many times (0: once)
    size_t cut;          // sends only so many bytes of what Content-Length promises, then closes
    size_t piece;        // bytes sent at a time (0: all at once)
    double pause;        // seconds before each piece
    // Requests whose body holds this text are answered by 400 and the complaint instead; NULL: none.
    const char *refuse, *complaint;
    int status;     // 0: 200
    bool no_length; // the end of the connection ends the body
    bool slam;      // closes without a word
};

// What came in.
struct mock_request {
    char *head; // request line and headers, NUL-terminated
    char *body;
    size_t length; // of the body
};

struct mock_server;
// The steps must outlive the server. Answers are held back until `hold` requests are there (0, 1: never).
struct mock_server *mock_server_start(const struct mock_step *steps, size_t count, size_t hold);
const char *mock_server_url(const struct mock_server *server); // "http://127.0.0.1:PORT/v1"
int mock_server_port(const struct mock_server *server);
size_t mock_server_count(struct mock_server *server);       // requests so far
size_t mock_server_most(struct mock_server *server);        // most requests open at the same time
size_t mock_server_connections(struct mock_server *server); // accepted so far
size_t mock_server_open(struct mock_server *server);        // connections that nobody has closed
const struct mock_request *mock_server_request(struct mock_server *server, size_t index);
void mock_server_stop(struct mock_server *server); // waits for its threads

#endif
