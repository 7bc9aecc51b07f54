#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "locate/writer_internal.h"

enum { DECIMALS_LIMIT = 6 };

// Characters that change how what follows them is shown, or that XML 1.0 does not know.
static bool is_treacherous(int32_t code) {
    return (code >= 0x7F && code < 0xA0)         // DEL and C1: some terminals obey them
           || code == 0x200E || code == 0x200F   // writing direction
           || (code >= 0x202A && code <= 0x202E) //
           || (code >= 0x2066 && code <= 0x2069) //
           || (code & 0xFFFE) == 0xFFFE;         // no characters
}

static int32_t clean_control(int32_t code, enum writer_cleaning how) {
    if (how == CLEAN_ESCAPED) return code;
    if (code == '\n' || code == '\r') return how == CLEAN_LINES ? '\n' : ' ';
    return code == '\t' ? ' ' : UTF8_REPLACEMENT;
}

static int32_t clean_code(int32_t code, enum writer_cleaning how) {
    if (code < 0 || is_treacherous(code)) return UTF8_REPLACEMENT;
    if (code < 0x20) return clean_control(code, how);
    bool ends_line = code == 0x2028 || code == 0x2029;
    return ends_line ? clean_control('\n', how == CLEAN_ESCAPED ? CLEAN_LINES : how) : code;
}

static const char *xml_entity(int32_t code) {
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

static void add_clean(struct buffer *out, const char *text, size_t left, enum writer_cleaning how, bool xml) {
    while (left > 0) {
        int32_t code;
        size_t used = utf8_decode(text, left, &code);
        bool pair =
            how != CLEAN_ESCAPED && code == '\r' && left > 1 && text[1] == '\n'; // one line end, not two
        text += used;
        left -= used;
        if (pair) continue;
        code = clean_code(code, how);
        const char *entity = xml ? xml_entity(code) : NULL;
        char character[4];
        if (entity)
            buffer_add_text(out, entity);
        else
            buffer_add(out, character, utf8_encode(code, character));
    }
}

void writer_add_clean(struct buffer *out, const char *text, enum writer_cleaning how) {
    add_clean(out, text, text ? strlen(text) : 0, how, false);
}

void writer_add_shown(struct buffer *out, const char *text, size_t length) {
    add_clean(out, text, length, CLEAN_LINES, false);
}

void writer_add_xml(struct buffer *out, const char *text, enum writer_cleaning how) {
    add_clean(out, text, text ? strlen(text) : 0, how, true);
}

static void add_escape(struct buffer *out, int32_t code) {
    if (code <= 0xFFFF) {
        buffer_format(out, "\\u%04x", (unsigned)code);
    } else { // a surrogate pair
        unsigned rest = (unsigned)code - 0x10000;
        buffer_format(out, "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    }
}

void writer_add_json(struct buffer *out, const char *json) {
    size_t left = strlen(json), plain = 0; // bytes before `json` that are to be copied as they are
    while (left > 0) {
        int32_t code;
        size_t used = utf8_decode(json, left, &code);
        json += used;
        left -= used;
        plain += used;
        if (code < 0x7F || !is_treacherous(code)) continue;
        buffer_add(out, json - plain, plain - used);
        add_escape(out, code);
        plain = 0;
    }
    buffer_add(out, json - plain, plain);
}

static const double powers[DECIMALS_LIMIT + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

double writer_round(double value, int decimals) {
    return round(value * powers[decimals]) / powers[decimals] + 0.0; // + 0.0: no -0
}

// Through integers, because printf("%f") writes the locale's decimal sign.
void writer_add_fixed(struct buffer *out, double value, int decimals) {
    if (!isfinite(value) || fabs(value) >= 1e12) return;
    long long scale = (long long)powers[decimals];
    long long units = llround(fabs(value) * powers[decimals]);
    if (value < 0 && units > 0) buffer_add_text(out, "-");
    buffer_format(out, "%lld", units / scale);
    if (decimals > 0) buffer_format(out, ".%0*lld", decimals, units % scale);
}

void writer_add_number(struct buffer *out, double value, int decimals) {
    while (decimals > 0 && writer_round(value, decimals) == writer_round(value, decimals - 1)) decimals--;
    writer_add_fixed(out, value, decimals);
}

bool writer_is_known(double value) {
    return isfinite(value) && value >= 0;
}

bool writer_is_empty(const char *text) {
    return !text || !*text;
}

void writer_add_place(struct buffer *out, const struct verdict_place *place) {
    const char *parts[] = {place->city, place->region, place->country};
    const char *previous = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (writer_is_empty(parts[i]) || strcasecmp(parts[i], previous) == 0) continue;
        if (*previous) buffer_add_text(out, ", ");
        buffer_add_text(out, parts[i]);
        previous = parts[i];
    }
}

bool writer_get_position(const struct verdict_place *place, struct point *position) {
    if (!place->has_position || sphere_check(place->position, NULL)) return false;
    *position = (struct point){place->position.lat, sphere_wrap_longitude(place->position.lon)};
    return true;
}

const struct verdict_place *writer_shown_place(const struct verdict *verdict) {
    return verdict->outcome == VERDICT_PLACED ? &verdict->place : NULL;
}

double writer_radius(const struct verdict *verdict, double samples) {
    double place = writer_is_known(verdict->place.radius_km) ? verdict->place.radius_km : -1;
    return fmax(place, writer_is_known(samples) ? samples : -1);
}

static const char *in_words(double confidence) {
    if (confidence >= 0.9) return "very sure";
    if (confidence >= 0.7) return "quite sure";
    if (confidence >= 0.5) return "fairly sure";
    if (confidence >= 0.3) return "unsure";
    return "little more than a guess";
}

void writer_add_percent(struct buffer *out, double share) {
    if (share > 0 && share < 0.01)
        buffer_add_text(out, "under 1 %");
    else if (share >= 0.995 && share < 1)
        buffer_add_text(out, "over 99 %");
    else
        buffer_format(out, "%ld %%", lround(share * 100));
}

void writer_add_coordinates(struct buffer *out, struct point at, int decimals) {
    writer_add_fixed(out, fabs(at.lat), decimals);
    buffer_format(out, "° %c ", at.lat < 0 ? 'S' : 'N');
    writer_add_fixed(out, fabs(at.lon), decimals);
    buffer_format(out, "° %c", at.lon < 0 ? 'W' : 'E');
}

void writer_add_kilometres(struct buffer *out, double km) {
    if (km < 10)
        writer_add_number(out, km, 1);
    else if (km < 999.5)
        writer_add_fixed(out, km, 0);
    else
        buffer_format(out, "%ld,%03ld", lround(km) / 1000, lround(km) % 1000);
    buffer_add_text(out, " km");
}

// "very sure, 93 % that the city is right, 98 % the country; 90 % within 30 km". One sample gets no words of
// sureness even so: how much its own probability tells is little.
static void add_calibrated(struct buffer *out, const struct verdict *view) {
    const struct verdict_standing *country = &view->standings[LEVEL_COUNTRY];
    if (view->samples > 1) buffer_format(out, "%s, ", in_words(view->confidence));
    writer_add_percent(out, view->confidence);
    buffer_format(out, " that the %s is right", verdict_level_name(view->level));
    if (view->level != LEVEL_COUNTRY && writer_is_known(country->confidence)) {
        buffer_add_text(out, ", ");
        writer_add_percent(out, country->confidence);
        buffer_add_text(out, " the country");
    }
    if (writer_is_known(view->radius_90_km)) {
        buffer_add_text(out, "; 90 % within ");
        writer_add_kilometres(out, view->radius_90_km);
    }
}

void writer_add_confidence(struct buffer *out, const struct verdict *view) {
    if (!writer_is_known(view->confidence)) {
        buffer_add_text(out, "not known");
        return;
    }
    if (view->calibrated) {
        add_calibrated(out, view);
        return;
    }
    writer_add_percent(out, view->confidence);
    if (view->samples <= 1) {
        buffer_add_text(out, " for the words of this one answer (uncalibrated)");
        return;
    }
    buffer_format(out, " of %zu samples (uncalibrated)", view->samples);
    bool most = writer_is_known(view->radius_90_km);
    if (!most && !writer_is_known(view->radius_50_km)) return;
    buffer_add_text(out, most ? "; 90 % of them within " : "; half of them within ");
    writer_add_kilometres(out, most ? view->radius_90_km : view->radius_50_km);
}

const char *writer_outcome_words(enum verdict_outcome outcome) {
    switch (outcome) {
    case VERDICT_PLACED:
        return "placed";
    case VERDICT_ABSTAINED:
        return "too unsure";
    case VERDICT_NOT_LOCATABLE:
        return "not locatable";
    case VERDICT_NO_ANSWER:
        return "without an answer";
    case VERDICT_OUT_OF_SCOPE:
        return "out of scope";
    case VERDICT_FAILED:
        return "failed";
    }
    return "unknown";
}

enum writer_band writer_band(double confidence) {
    if (!writer_is_known(confidence)) return BAND_UNKNOWN;
    return confidence >= 0.9   ? BAND_VERY
           : confidence >= 0.7 ? BAND_QUITE
           : confidence >= 0.5 ? BAND_FAIRLY
                               : BAND_UNSURE;
}

double writer_shown_confidence(const struct verdict *view) {
    bool named = view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED;
    return named && view->samples > 1 ? view->confidence : -1;
}

bool writer_is_drawn_world(const char *model) {
    return model && strcmp(model, "postcards") == 0;
}

char *writer_photo_path(const char *photo, const struct writer_options *options, struct error *error) {
    if (options->photos) return file_join(options->photos, photo, error);
    return memory_copy_string(photo, strlen(photo), error);
}

int writer_paths_add(struct buffer *out, const struct verdict *view, const struct writer_options *options,
                     struct error *error) {
    const char *photo = view->photo ? view->photo : "";
    if (!options->null_ends && strchr(photo, '\n'))
        return error_set(error, ERROR_INPUT,
                         "%s: the name holds a line end; --null ends names with a NUL instead", photo);
    buffer_add_text(out, photo);
    buffer_add(out, options->null_ends ? "" : "\n", 1);
    return 0;
}
