// Opening a gazetteer that somebody else may have written: nothing in it is run, nothing in it is believed
// before it is looked at, and no call works longer than the file's size explains.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "geo/gazetteer_internal.h"

#define MAPPED_BYTES (1 << 28)
#define STEPS_AT_ONCE 1000

int gazetteer_failed(const struct gazetteer *gazetteer, struct error *error) {
    int code = sqlite3_errcode(gazetteer->db);
    if (code == SQLITE_INTERRUPT)
        return error_set(
            error, ERROR_INPUT,
            "%s: gazetteer is damaged: a lookup went through more rows than such a file should need",
            gazetteer->path);
    return error_set(error, code == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_INPUT, "%s: gazetteer is damaged: %s",
                     gazetteer->path, sqlite3_errmsg(gazetteer->db));
}

int gazetteer_read_number(struct gazetteer *gazetteer, const char *sql, int64_t *value, struct error *error) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(gazetteer->db, sql, -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step = sqlite3_step(statement);
    *value = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : gazetteer_failed(gazetteer, error);
}

// --- what a call may cost ---

static int count_steps(void *context) {
    struct gazetteer *gazetteer = context;
    gazetteer->steps_left -= STEPS_AT_ONCE;
    return gazetteer->steps_left < 0;
}

// A search of the nearest place may visit every row a few times over; no honest call needs more.
void gazetteer_start(struct gazetteer *gazetteer) {
    gazetteer->steps_left = 20000000 + 8 * gazetteer->file_bytes;
}

// --- the file ---

// The header of an SQLite file tells its page size and how many pages it has: enough to see a truncated copy.
static int check_header(struct gazetteer *gazetteer, struct error *error) {
    const char *path = gazetteer->path;
    unsigned char header[100];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); // a FIFO would keep us waiting
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!stream) {
        error_set_errno(error, path, "cannot open gazetteer");
        if (fd >= 0) close(fd);
        return -1;
    }
    struct stat status;
    int result = 0;
    bool regular = fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode);
    size_t got = regular ? fread(header, 1, sizeof header, stream) : 0;
    if (!regular) {
        result = error_set(error, ERROR_INPUT, "%s: not a regular file", path);
    } else if (file_check_pointer(path, header, got, error)) {
        result = -1;
    } else if (got != sizeof header || memcmp(header, "SQLite format 3", 16)) {
        result = error_set(error, ERROR_INPUT, "%s: not an SQLite file, so not a gazetteer", path);
    } else {
        uint64_t page = (uint64_t)header[16] << 8 | header[17];
        uint64_t pages =
            (uint64_t)header[28] << 24 | (uint64_t)header[29] << 16 | (uint64_t)header[30] << 8 | header[31];
        uint64_t size = (page == 1 ? 65536 : page) * pages;
        if ((uint64_t)status.st_size < size)
            result = error_set(error, ERROR_INPUT, "%s: gazetteer is truncated: %lld of %llu bytes", path,
                               (long long)status.st_size, (unsigned long long)size);
        gazetteer->file_bytes = status.st_size;
    }
    fclose(stream);
    return result;
}

// What SQLite may do with a file that is only read: no views, triggers or functions of its schema, no second
// database, no value larger than the longest list of spellings.
static void forbid(sqlite3 *db) {
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, 1 << 24},
        {SQLITE_LIMIT_SQL_LENGTH, 1 << 14},
        {SQLITE_LIMIT_COLUMN, 32},
        {SQLITE_LIMIT_EXPR_DEPTH, 32},
        {SQLITE_LIMIT_COMPOUND_SELECT, 4},
        {SQLITE_LIMIT_VDBE_OP, 4096},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 0},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) sqlite3_limit(db, limits[i][0], limits[i][1]);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
}

// immutable: the file is replaced by rename, never changed, so no locks and no look at journals.
static int open_database(struct gazetteer *gazetteer, struct error *error) {
    struct buffer uri = {0};
    buffer_add_text(&uri, "file:");
    for (const char *c = gazetteer->path; *c; c++) {
        if (*c == '%' || *c == '?' || *c == '#') {
            buffer_format(&uri, "%%%02X", (unsigned)*c);
        } else {
            buffer_add(&uri, c, 1);
        }
    }
    buffer_add_text(&uri, "?immutable=1");
    if (uri.failed) {
        buffer_free(&uri);
        return error_set(error, ERROR_MEMORY, "%s: out of memory", gazetteer->path);
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(uri.data, &gazetteer->db, flags, NULL);
    buffer_free(&uri);
    if (code) return gazetteer_failed(gazetteer, error);
    forbid(gazetteer->db);
    gazetteer_start(gazetteer);
    sqlite3_progress_handler(gazetteer->db, STEPS_AT_ONCE, count_steps, gazetteer);
    char pragma[100];
    snprintf(pragma, sizeof pragma, "PRAGMA mmap_size=%d;PRAGMA cell_size_check=ON;PRAGMA query_only=ON",
             MAPPED_BYTES);
    return sqlite3_exec(gazetteer->db, pragma, NULL, NULL, NULL) ? gazetteer_failed(gazetteer, error) : 0;
}

static int check_version(struct gazetteer *gazetteer, struct error *error) {
    int64_t application, version;
    if (gazetteer_read_number(gazetteer, "PRAGMA application_id", &application, error) ||
        gazetteer_read_number(gazetteer, "PRAGMA user_version", &version, error))
        return -1;
    if (application != GAZETTEER_APPLICATION_ID)
        return error_set(error, ERROR_INPUT, "%s: an SQLite file, but not a gazetteer", gazetteer->path);
    if (version != GAZETTEER_VERSION)
        return error_set(error, ERROR_INPUT,
                         "%s: gazetteer of version %lld, this program reads version %d; build it anew with "
                         "`globe gazetteer build`",
                         gazetteer->path, (long long)version, GAZETTEER_VERSION);
    return 0;
}

// --- the schema ---

// Which statement of GAZETTEER_TABLES a text is, -1 for none.
static int find_table(const char *sql) {
    int index = 0;
    for (const char *at = GAZETTEER_TABLES; *at; index++) {
        size_t length = strcspn(at, ";");
        if (strlen(sql) == length && !memcmp(sql, at, length)) return index;
        at += length;
        if (*at) at++;
    }
    return -1;
}

static int count_tables(void) {
    int count = 0;
    for (const char *c = GAZETTEER_TABLES; *c; c++) count += *c == ';';
    return count;
}

// Every entry of the schema is one of our tables, word for word: a view, a trigger, a virtual table, an index
// over an expression would run what the file's author wrote.
static int check_schema(struct gazetteer *gazetteer, struct error *error) {
    sqlite3_stmt *statement;
    char name[60] = "";
    unsigned seen = 0;
    if (sqlite3_prepare_v2(gazetteer->db, "SELECT name, sql FROM sqlite_schema", -1, &statement, NULL))
        return gazetteer_failed(gazetteer, error);
    int step;
    bool strange = false;
    while (!strange && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 1);
        int table = sql ? find_table(sql) : -1;
        strange = table < 0 || (seen >> table & 1);
        if (strange) gazetteer_copy_text(name, sizeof name, sqlite3_column_text(statement, 0));
        if (!strange) seen |= 1u << table;
    }
    int failed = !strange && step != SQLITE_DONE ? gazetteer_failed(gazetteer, error) : 0;
    sqlite3_finalize(statement);
    if (failed) return failed;
    if (strange)
        return error_set(error, ERROR_INPUT, "%s: not a gazetteer: \"%s\" in it is no table of a gazetteer",
                         gazetteer->path, name);
    if (seen + 1 != 1u << count_tables())
        return error_set(error, ERROR_INPUT, "%s: not a gazetteer: a table is missing", gazetteer->path);
    return 0;
}

int gazetteer_open_file(struct gazetteer *gazetteer, struct error *error) {
    if (check_header(gazetteer, error) || open_database(gazetteer, error) || check_version(gazetteer, error))
        return -1;
    return check_schema(gazetteer, error);
}

// --- the values ---

// Control characters would be commands to a terminal, direction marks would turn what stands around them.
static bool is_printable(int32_t c) {
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    case UTF8PROC_CATEGORY_CF:
        return c == 0x200C || c == 0x200D; // joiners, which Persian and Indian names need
    default:
        return true;
    }
}

void gazetteer_copy_text(char *out, size_t size, const unsigned char *text) {
    size_t length = 0;
    for (const unsigned char *at = text ? text : (const unsigned char *)""; *at;) {
        int32_t c = *at;
        utf8proc_ssize_t step = 1;
        if (*at >= 128) step = utf8proc_iterate(at, -1, &c);
        if (step > 0 && length + (size_t)step >= size) break;
        if (step > 0 && (c >= 128 ? is_printable(c) : c >= 32 && c != 127)) {
            memcpy(out + length, at, (size_t)step);
            length += (size_t)step;
        }
        at += step > 0 ? step : 1;
    }
    out[length] = 0;
}

bool gazetteer_is_place(int64_t kind, int64_t lat, int64_t lon, const char *country) {
    const int64_t degree = GAZETTEER_DEGREE;
    if (kind < 0 || kind >= PLACE_KINDS) return false;
    if (lat < -90 * degree || lat > 90 * degree || lon < -180 * degree || lon > 180 * degree) return false;
    if (!country || !*country) return kind == PLACE_AREA || kind == PLACE_MACRO;
    return country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z' && !country[2];
}

void gazetteer_refuse(struct gazetteer *gazetteer, int64_t id) {
    if (gazetteer->refused++ == 0)
        log_warning("%s: rows with impossible values are left out, the first is place %lld", gazetteer->path,
                    (long long)id);
}
