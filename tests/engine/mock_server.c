#include "engine/mock_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_REQUESTS = 1024, MOST_CONNECTIONS = 1024, LONGEST_HEAD = 65536 };

struct mock_server {
    const struct mock_step *steps;
    size_t step_count, hold;
    int listener, port;
    char url[64];
    atomic_bool stopping;
    pthread_t acceptor;
    pthread_mutex_t mutex;
    pthread_cond_t arrival;
    // Under the mutex:
    struct mock_request requests[MOST_REQUESTS];
    size_t count, open, most;
    int sockets[MOST_CONNECTIONS]; // -1: closed
    pthread_t threads[MOST_CONNECTIONS];
    size_t connections;
};

struct connection {
    struct mock_server *server;
    size_t index;
    int socket;
    char *data; // received and not used yet
    size_t length, capacity;
};

static void *allocate(void *old, size_t size) {
    void *block = realloc(old, size);
    if (!block) abort();
    return block;
}

// ---- requests ----

static bool receive_more(struct connection *connection) {
    if (!connection->data || connection->capacity - connection->length < LONGEST_HEAD) {
        connection->capacity = connection->capacity * 2 + LONGEST_HEAD;
        connection->data = allocate(connection->data, connection->capacity + 1);
    }
    ssize_t got = recv(connection->socket, connection->data + connection->length,
                       connection->capacity - connection->length, 0);
    if (got <= 0) return false;
    connection->length += (size_t)got;
    connection->data[connection->length] = 0;
    return true;
}

static size_t content_length(const char *head) {
    const char *line = strcasestr(head, "\r\nContent-Length:");
    return line ? strtoul(line + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

// Reads the next request; false when the client has closed the connection.
static bool read_request(struct connection *connection, struct mock_request *request) {
    char *end;
    while (!connection->data || !(end = strstr(connection->data, "\r\n\r\n")))
        if (!receive_more(connection)) return false;
    size_t head = (size_t)(end - connection->data) + 4;
    request->head = allocate(NULL, head + 1);
    memcpy(request->head, connection->data, head);
    request->head[head] = 0;
    request->length = content_length(request->head);
    while (connection->length < head + request->length)
        if (!receive_more(connection)) {
            free(request->head);
            return false;
        }
    request->body = allocate(NULL, request->length + 1);
    memcpy(request->body, connection->data + head, request->length);
    request->body[request->length] = 0;
    size_t used = head + request->length;
    memmove(connection->data, connection->data + used, connection->length - used + 1);
    connection->length -= used;
    return true;
}

// Notes the request and waits until as many as wanted are there; returns its number.
static size_t note_arrival(struct mock_server *server, struct mock_request request) {
    pthread_mutex_lock(&server->mutex);
    size_t number = server->count;
    if (number == MOST_REQUESTS) abort();
    server->requests[server->count++] = request;
    if (++server->open > server->most) server->most = server->open;
    pthread_cond_broadcast(&server->arrival);
    while (server->count < server->hold && !server->stopping)
        pthread_cond_wait(&server->arrival, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
    return number;
}

static void note_answer(struct mock_server *server) {
    pthread_mutex_lock(&server->mutex);
    server->open--;
    pthread_mutex_unlock(&server->mutex);
}

// ---- answers ----

static bool send_all(int socket, const char *data, size_t length) {
    while (length) {
        ssize_t sent = send(socket, data, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void sleep_for(struct mock_server *server, double seconds) {
    struct timespec moment = {.tv_nsec = 5000000};
    for (int left = (int)(seconds / 0.005); left > 0 && !server->stopping; left--) nanosleep(&moment, NULL);
}

// Sends `length` bytes in the step's pieces.
static bool send_pieces(struct mock_server *server, int socket, const struct mock_step *step,
                        const char *data, size_t length) {
    size_t piece = step->piece ? step->piece : length;
    while (length && !server->stopping) {
        if (piece > length) piece = length;
        sleep_for(server, step->pause);
        if (!send_all(socket, data, piece)) return false;
        data += piece;
        length -= piece;
    }
    return true;
}

// false when the connection is to be closed.
static bool send_answer(struct mock_server *server, int socket, const struct mock_step *wanted,
                        const struct mock_request *request) {
    const struct mock_step *step = wanted;
    const struct mock_step refusal = {.status = 400, .body = wanted->complaint};
    if (wanted->refuse && memmem(request->body, request->length, wanted->refuse, strlen(wanted->refuse)))
        step = &refusal;
    if (step->slam) return false;
    const char *body = step->body ? step->body : "";
    size_t length = step->body_length ? step->body_length : strlen(body),
           repeat = step->repeat ? step->repeat : 1;
    char head[2048], size[64] = "";
    if (!step->no_length) snprintf(size, sizeof size, "Content-Length: %zu\r\n", length * repeat);
    snprintf(head, sizeof head, "HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\n%s%s\r\n",
             step->status ? step->status : 200, step->type ? step->type : "application/json", size,
             step->headers ? step->headers : "");
    if (!send_all(socket, head, strlen(head))) return false;
    if (step->cut) {
        send_pieces(server, socket, step, body, step->cut);
        return false;
    }
    for (size_t i = 0; i < repeat; i++)
        if (!send_pieces(server, socket, step, body, length)) return false;
    return !step->no_length;
}

static void *serve(void *argument) {
    struct connection *connection = argument;
    struct mock_server *server = connection->server;
    struct mock_request request;
    bool open = true;
    while (open && read_request(connection, &request)) {
        size_t number = note_arrival(server, request);
        size_t last = server->step_count - 1;
        open =
            send_answer(server, connection->socket, &server->steps[number < last ? number : last], &request);
        note_answer(server);
    }
    pthread_mutex_lock(&server->mutex);
    server->sockets[connection->index] = -1;
    pthread_mutex_unlock(&server->mutex);
    shutdown(connection->socket, SHUT_RDWR);
    close(connection->socket);
    free(connection->data);
    free(connection);
    return NULL;
}

// ---- the server ----

static void *accept_all(void *argument) {
    struct mock_server *server = argument;
    int socket;
    while ((socket = accept(server->listener, NULL, NULL)) >= 0) {
        struct connection *connection = allocate(NULL, sizeof *connection);
        pthread_mutex_lock(&server->mutex);
        if (server->connections == MOST_CONNECTIONS) abort();
        *connection = (struct connection){.server = server, .index = server->connections, .socket = socket};
        server->sockets[connection->index] = socket;
        if (pthread_create(&server->threads[connection->index], NULL, serve, connection)) abort();
        server->connections++;
        pthread_mutex_unlock(&server->mutex);
    }
    return NULL;
}

struct mock_server *mock_server_start(const struct mock_step *steps, size_t count, size_t hold) {
    struct mock_server *server = allocate(NULL, sizeof *server);
    memset(server, 0, sizeof *server);
    server->steps = steps;
    server->step_count = count;
    server->hold = hold;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->arrival, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) ||
        listen(server->listener, 512) || getsockname(server->listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&server->acceptor, NULL, accept_all, server))
        abort();
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/v1", server->port);
    return server;
}

const char *mock_server_url(const struct mock_server *server) {
    return server->url;
}

int mock_server_port(const struct mock_server *server) {
    return server->port;
}

static size_t locked(struct mock_server *server, const size_t *value) {
    pthread_mutex_lock(&server->mutex);
    size_t copy = *value;
    pthread_mutex_unlock(&server->mutex);
    return copy;
}

size_t mock_server_count(struct mock_server *server) {
    return locked(server, &server->count);
}

size_t mock_server_most(struct mock_server *server) {
    return locked(server, &server->most);
}

size_t mock_server_connections(struct mock_server *server) {
    return locked(server, &server->connections);
}

size_t mock_server_open(struct mock_server *server) {
    size_t open = 0;
    pthread_mutex_lock(&server->mutex);
    for (size_t i = 0; i < server->connections; i++) open += server->sockets[i] >= 0;
    pthread_mutex_unlock(&server->mutex);
    return open;
}

const struct mock_request *mock_server_request(struct mock_server *server, size_t index) {
    return index < mock_server_count(server) ? &server->requests[index] : NULL;
}

void mock_server_stop(struct mock_server *server) {
    server->stopping = true;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    pthread_mutex_lock(&server->mutex);
    pthread_cond_broadcast(&server->arrival);
    for (size_t i = 0; i < server->connections; i++)
        if (server->sockets[i] >= 0) shutdown(server->sockets[i], SHUT_RDWR);
    pthread_mutex_unlock(&server->mutex);
    for (size_t i = 0; i < server->connections; i++) pthread_join(server->threads[i], NULL);
    for (size_t i = 0; i < server->count; i++) {
        free(server->requests[i].head);
        free(server->requests[i].body);
    }
    pthread_cond_destroy(&server->arrival);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}
