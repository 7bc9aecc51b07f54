#include "geo/gazetteer_build.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/temporary.h"
#include "geo/gazetteer_draft.h"

// The database being written, and the name it has while it is.
struct output {
    sqlite3 *db;
    const char *path;
    char *temporary;
};

static int sqlite_failed(const struct output *output, struct error *error) {
    return error_set(error, ERROR_IO, "%s: %s", output->path, sqlite3_errmsg(output->db));
}

static int run(struct output *output, const char *sql, struct error *error) {
    return sqlite3_exec(output->db, sql, NULL, NULL, NULL) ? sqlite_failed(output, error) : 0;
}

static int prepare(struct output *output, const char *sql, sqlite3_stmt **statement, struct error *error) {
    if (sqlite3_prepare_v2(output->db, sql, -1, statement, NULL)) return sqlite_failed(output, error);
    return 0;
}

static int insert(struct output *output, sqlite3_stmt *statement, struct error *error) {
    sqlite3_step(statement);
    return sqlite3_reset(statement) ? sqlite_failed(output, error) : 0;
}

static int64_t whole_degrees(double degrees) {
    return llround(degrees * GAZETTEER_DEGREE);
}

static int write_places(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO place VALUES(?,?,?,?,?,?,?,?,?)", &statement, error);
    for (size_t i = 0; !result && i < draft->place_count; i++) {
        const struct draft_place *place = &draft->places[i];
        sqlite3_bind_int64(statement, 1, place->id);
        sqlite3_bind_int(statement, 2, (int)place->kind);
        sqlite3_bind_text(statement, 3, place->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 4, place->country, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 5, place->region);
        sqlite3_bind_int64(statement, 6, place->population);
        sqlite3_bind_int64(statement, 7, whole_degrees(place->at.lat));
        sqlite3_bind_int64(statement, 8, whole_degrees(place->at.lon));
        sqlite3_bind_int64(statement, 9, llround(place->radius_km * 1000));
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static int write_countries(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO country VALUES(?,?,?)", &statement, error);
    for (size_t i = 0; !result && i < draft->place_count; i++) {
        const struct draft_place *place = &draft->places[i];
        if (place->kind != PLACE_COUNTRY) continue;
        sqlite3_bind_text(statement, 1, place->country, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, place->id);
        sqlite3_bind_text(statement, 3, place->name, -1, SQLITE_STATIC);
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static int write_cells(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO cell VALUES(?,?,?,?,?)", &statement, error);
    for (size_t i = 0; !result && i < draft->place_count; i++) {
        const struct draft_place *place = &draft->places[i];
        if (place->kind > PLACE_DISTRICT) continue;
        sqlite3_bind_int64(statement, 1,
                           cell_band(place->at.lat) * CELL_COLUMNS + cell_column(place->at.lon));
        sqlite3_bind_int64(statement, 2, place->id);
        sqlite3_bind_int64(statement, 3, whole_degrees(place->at.lat));
        sqlite3_bind_int64(statement, 4, whole_degrees(place->at.lon));
        sqlite3_bind_int64(statement, 5, place->population);
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static int write_curated(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO curated VALUES(?,?,?)", &statement, error);
    for (size_t i = 0; !result && i < draft->place_count; i++) {
        const struct draft_place *place = &draft->places[i];
        if (!place->source) continue;
        sqlite3_bind_int64(statement, 1, place->id);
        sqlite3_bind_text(statement, 2, place->source, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 3, place->disputed);
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static int write_names(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO name VALUES(?,?,?)", &statement, error);
    for (size_t i = 0; !result && i < draft->name_count; i++) {
        sqlite3_bind_text(statement, 1, draft->names[i].key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, draft->names[i].place);
        sqlite3_bind_int(statement, 3, (int)draft->names[i].source);
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static bool is_spelling(const char *key) {
    size_t length = strlen(key);
    if (length < SPELLING_SHORTEST || length > SPELLING_LONGEST) return false;
    for (const char *c = key; *c; c++)
        if ((unsigned char)*c >= 128) return false;
    return true;
}

static int compare_spellings(const void *left, const void *right) {
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    size_t m = strlen(a), n = strlen(b);
    return m != n ? (m < n ? -1 : 1) : strcmp(a, b);
}

// The distinct ASCII keys in their order; names are sorted by key, so equal ones are neighbours.
static const char **collect_spellings(const struct gazetteer_draft *draft, size_t *count,
                                      struct error *error) {
    const char **spellings = memory_new(draft->name_count + 1, sizeof *spellings, "gazetteer", error);
    if (!spellings) return NULL;
    *count = 0;
    for (size_t i = 0; i < draft->name_count; i++) {
        const char *key = draft->names[i].key;
        if (is_spelling(key) && (*count == 0 || strcmp(spellings[*count - 1], key)))
            spellings[(*count)++] = key;
    }
    qsort(spellings, *count, sizeof *spellings, compare_spellings);
    return spellings;
}

struct posting {
    uint32_t gram, spelling;
};

static int compare_postings(const void *left, const void *right) {
    const struct posting *a = left, *b = right;
    if (a->gram != b->gram) return a->gram < b->gram ? -1 : 1;
    return (a->spelling > b->spelling) - (a->spelling < b->spelling);
}

static void add_difference(struct buffer *buffer, uint32_t difference) {
    unsigned char bytes[5];
    size_t count = 0;
    do {
        bytes[count] = (unsigned char)(difference & 127);
        difference >>= 7;
        if (difference) bytes[count] |= 128;
        count++;
    } while (difference);
    buffer_add(buffer, bytes, count);
}

static int write_postings(struct output *output, struct posting *postings, size_t count,
                          struct error *error) {
    sqlite3_stmt *statement;
    struct buffer blob = {0};
    int result = prepare(output, "INSERT INTO gram VALUES(?,?)", &statement, error);
    qsort(postings, count, sizeof *postings, compare_postings);
    for (size_t i = 0; !result && i < count;) {
        uint32_t gram = postings[i].gram, last = 0;
        buffer_clear(&blob);
        for (; i < count && postings[i].gram == gram; i++) {
            add_difference(&blob, postings[i].spelling - last);
            last = postings[i].spelling;
        }
        if (blob.failed) {
            result = error_set(error, ERROR_MEMORY, "%s: out of memory", output->path);
            break;
        }
        sqlite3_bind_int64(statement, 1, gram);
        sqlite3_bind_blob(statement, 2, blob.data, (int)blob.length, SQLITE_STATIC);
        result = insert(output, statement, error);
    }
    buffer_free(&blob);
    sqlite3_finalize(statement);
    return result;
}

static int write_spellings(struct output *output, const struct gazetteer_draft *draft, struct error *error) {
    size_t count = 0, total = 0, filled = 0;
    const char **spellings = collect_spellings(draft, &count, error);
    if (!spellings) return -1;
    for (size_t i = 0; i < count; i++) total += strlen(spellings[i]);
    struct posting *postings = memory_new(total + 1, sizeof *postings, "gazetteer", error);
    sqlite3_stmt *statement = NULL;
    int result = postings ? prepare(output, "INSERT INTO spelling VALUES(?,?)", &statement, error) : -1;
    for (size_t i = 0; !result && i < count; i++) {
        uint32_t grams[SPELLING_LONGEST];
        size_t length = strlen(spellings[i]);
        int found = key_grams(spellings[i], length, grams);
        for (int g = 0; g < found; g++)
            postings[filled++] = (struct posting){grams[g] | (uint32_t)length, (uint32_t)(i + 1)};
        sqlite3_bind_int64(statement, 1, (int64_t)i + 1);
        sqlite3_bind_text(statement, 2, spellings[i], -1, SQLITE_STATIC);
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    if (!result) result = write_postings(output, postings, filled, error);
    free(postings);
    free(spellings);
    return result;
}

static int write_meta(struct output *output, const struct gazetteer_build_options *options,
                      const struct gazetteer_build_report *report, struct error *error) {
    const struct {
        const char *key;
        int64_t number;
        const char *text;
    } rows[] = {
        {"areas", report->areas, NULL},
        {"countries", report->countries, NULL},
        {"districts", report->districts, NULL},
        {"licence", 0,
         "Creative Commons Attribution 4.0 International (CC BY 4.0), https://www.geonames.org/"},
        {"names", report->names, NULL},
        {"places", report->places, NULL},
        {"regions", report->regions, NULL},
        {"source", 0, options->source ? options->source : "GeoNames"},
    };
    sqlite3_stmt *statement;
    int result = prepare(output, "INSERT INTO meta VALUES(?,?)", &statement, error);
    for (size_t i = 0; !result && i < sizeof rows / sizeof *rows; i++) {
        sqlite3_bind_text(statement, 1, rows[i].key, -1, SQLITE_STATIC);
        if (rows[i].text) {
            sqlite3_bind_text(statement, 2, rows[i].text, -1, SQLITE_STATIC);
        } else {
            sqlite3_bind_int64(statement, 2, rows[i].number);
        }
        result = insert(output, statement, error);
    }
    sqlite3_finalize(statement);
    return result;
}

static void count_draft(const struct gazetteer_draft *draft, struct gazetteer_build_report *report) {
    report->names = (int64_t)draft->name_count;
    for (size_t i = 0; i < draft->place_count; i++) switch (draft->places[i].kind) {
        case PLACE_CITY:
            report->places++;
            break;
        case PLACE_DISTRICT:
            report->districts++;
            break;
        case PLACE_REGION:
            report->regions++;
            break;
        case PLACE_COUNTRY:
            report->countries++;
            break;
        case PLACE_AREA:
        case PLACE_LANDMARK:
        case PLACE_MACRO:
        case PLACE_KINDS:
            report->areas++;
            break;
        }
}

static int write_database(struct output *output, const struct gazetteer_build_options *options,
                          const struct gazetteer_draft *draft, struct error *error) {
    char pragmas[200];
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA page_size=4096;PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;PRAGMA application_id=%d;"
             "PRAGMA user_version=%d;",
             GAZETTEER_APPLICATION_ID, GAZETTEER_VERSION);
    if (run(output, pragmas, error) || run(output, "BEGIN;" GAZETTEER_TABLES, error)) return -1;
    if (write_meta(output, options, draft->report, error) || write_countries(output, draft, error) ||
        write_places(output, draft, error) || write_names(output, draft, error) ||
        write_spellings(output, draft, error) || write_cells(output, draft, error) ||
        write_curated(output, draft, error))
        return -1;
    return run(output, "COMMIT", error);
}

static int finish_file(struct output *output, struct error *error) {
    int fd = open(output->temporary, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd)) {
        error_set_errno(error, output->temporary, "cannot write");
        if (fd >= 0) close(fd);
        return -1;
    }
    close(fd);
    if (rename(output->temporary, output->path))
        return error_set_errno(error, output->path, "cannot rename to");
    return 0;
}

static int write_output(const char *path, const struct gazetteer_build_options *options,
                        const struct gazetteer_draft *draft, struct error *error) {
    struct buffer name = {0};
    buffer_format(&name, "%s.%ld.tmp", path, (long)getpid());
    struct output output = {.path = path, .temporary = buffer_take(&name)};
    if (!output.temporary) return error_set(error, ERROR_MEMORY, "%s: out of memory", path);
    unlink(output.temporary);
    int result, noted = temporary_note(output.temporary, TEMPORARY_FILE);
    if (sqlite3_open_v2(output.temporary, &output.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
        result = sqlite_failed(&output, error);
    } else {
        result = write_database(&output, options, draft, error);
    }
    sqlite3_close(output.db);
    if (!result) result = finish_file(&output, error);
    if (result) unlink(output.temporary);
    temporary_forget(noted);
    free(output.temporary);
    return result;
}

int gazetteer_build(const struct gazetteer_build_options *options, const char *output,
                    struct gazetteer_build_report *report, struct error *error) {
    *report = (struct gazetteer_build_report){0};
    struct gazetteer_draft draft = {.report = report, .arena = arena_new(error)};
    int result = draft.arena ? draft_read_dumps(&draft, options, error) : -1;
    if (!result && options->curated) result = draft_read_curated(&draft, options->curated, error);
    if (!result) result = draft_settle_areas(&draft, error);
    if (!result) {
        draft_sort_names(&draft);
        count_draft(&draft, report);
        result = write_output(output, options, &draft, error);
    }
    draft_free(&draft);
    return result;
}
