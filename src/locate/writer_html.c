// A page for reading: one file with everything in it, without scripts, links to elsewhere or metadata. Cards
// wait in a temporary file, so a long batch takes no memory; the head of the page, which counts and maps all
// of them, is made last and comes first. Every tag is closed, so that the page is well-formed XML, too.
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

enum { SHOWN_MODELS = 3 };

// The policy keeps a browser from loading or running anything, whatever a text might smuggle in.
static const char head[] = "<!DOCTYPE html>\n"
                           "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                           "<meta http-equiv=\"Content-Security-Policy\" "
                           "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                           "<meta name=\"generator\" content=\"globe " GLOBE_VERSION "\"/>\n"
                           "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                           "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                           "<title>Where these photos may have been taken</title>\n<style>\n";

// ---- what is remembered of each card --------------------------------------------------------------------

static bool names_a_place(const struct verdict *view) {
    return view->outcome == VERDICT_PLACED || view->outcome == VERDICT_ABSTAINED;
}

// The number of the country, SIZE_MAX when there is none.
static int count_country(struct writer_page *page, const struct verdict *view, size_t *number,
                         struct error *error) {
    const char *name = view->place.country;
    *number = SIZE_MAX;
    if (!names_a_place(view) || writer_is_empty(name)) return 0;
    for (*number = 0; *number < page->country_count; ++*number)
        if (strcmp(page->countries[*number].name, name) == 0) break;
    if (*number == page->country_count) {
        struct writer_country *grown =
            memory_grow(page->countries, page->country_count + 1, sizeof *grown, "page", error);
        if (!grown) return -1;
        page->countries = grown;
        char *copy = memory_copy_string(name, strlen(name), error);
        if (!copy) return -1;
        page->countries[page->country_count++] = (struct writer_country){.name = copy};
    }
    page->countries[*number].count++;
    return 0;
}

static int note_model(struct writer_page *page, const char *model, struct error *error) {
    if (writer_is_empty(model)) return 0;
    for (size_t i = 0; i < page->model_count; i++)
        if (strcmp(page->models[i], model) == 0) return 0;
    char **grown = memory_grow(page->models, page->model_count + 1, sizeof *grown, "page", error);
    if (!grown) return -1;
    page->models = grown;
    page->models[page->model_count] = memory_copy_string(model, strlen(model), error);
    if (!page->models[page->model_count]) return -1;
    page->model_count++;
    page->drawn = page->drawn || writer_is_drawn_world(model);
    return 0;
}

static int add_marker(struct writer_page *page, const struct verdict *view, struct error *error) {
    const struct verdict_place *place = writer_shown_place(view);
    struct writer_marker marker = {.number = page->count + 1,
                                   .radius_km = writer_radius(view, view->radius_50_km),
                                   .confidence = writer_shown_confidence(view)};
    if (!place || !writer_get_position(place, &marker.position)) return 0;
    if (page->marker_count % 1024 == 0) {
        struct writer_marker *grown =
            memory_grow(page->markers, page->marker_count + 1024, sizeof *grown, "map", error);
        if (!grown) return -1;
        page->markers = grown;
    }
    struct buffer name = {0};
    writer_add_place(&name, place);
    marker.name = buffer_take(&name);
    page->markers[page->marker_count++] = marker;
    return 0;
}

static int remember(struct writer_page *page, const struct verdict *view,
                    const struct writer_options *options, size_t *country, struct error *error) {
    if (note_model(page, options->model, error) || add_marker(page, view, error) ||
        count_country(page, view, country, error))
        return -1;
    if (options->precision > page->precision) page->precision = options->precision;
    if (names_a_place(view)) page->bands[writer_band(writer_shown_confidence(view))]++;
    page->outcomes[view->outcome]++;
    page->count++;
    return 0;
}

int writer_html_add(struct buffer *out, struct writer_page *page, const struct verdict *view,
                    const struct writer_options *options, struct error *error) {
    size_t country;
    if (!page->cards && !(page->cards = tmpfile()))
        return error_set(error, ERROR_IO, "the page needs a temporary file: %s", strerror(errno));
    if (remember(page, view, options, &country, error)) return -1;
    writer_card_add(out, view, page->count, country, options);
    if (out->failed) return error_set(error, ERROR_MEMORY, "not enough memory for the page");
    errno = 0;
    bool written = fwrite(out->data, 1, out->length, page->cards) == out->length;
    buffer_clear(out);
    return written
               ? 0
               : error_set(error, ERROR_IO, "cannot write the page's temporary file: %s", strerror(errno));
}

// ---- the page -------------------------------------------------------------------------------------------

static void add_models(struct buffer *out, const struct writer_page *page,
                       const struct writer_options *options) {
    const char *only = options->model; // of an empty batch
    size_t count = page->model_count ? page->model_count : !writer_is_empty(only);
    if (count == 0) buffer_add_text(out, "a model");
    for (size_t i = 0; i < count && i < SHOWN_MODELS; i++) {
        buffer_add_text(out, i == 0 ? "<b>" : " and <b>");
        writer_add_xml(out, page->model_count ? page->models[i] : only, CLEAN_LINE);
        buffer_add_text(out, "</b>");
    }
    if (count > SHOWN_MODELS) buffer_format(out, " and %zu more", count - SHOWN_MODELS);
}

static void add_counts(struct buffer *out, const struct writer_page *page) {
    buffer_format(out, "%zu photo%s: ", page->count, page->count == 1 ? "" : "s");
    const char *comma = "";
    for (int outcome = 0; outcome <= VERDICT_FAILED; outcome++) {
        if (page->outcomes[outcome] == 0) continue;
        buffer_format(out, "%s%zu %s", comma, page->outcomes[outcome],
                      writer_outcome_words((enum verdict_outcome)outcome));
        comma = ", ";
    }
    if (page->count == 0) buffer_add_text(out, "none");
    buffer_add_text(out, ".");
}

static void add_header(struct buffer *out, const struct writer_page *page,
                       const struct writer_options *options) {
    buffer_add_text(out, "<header>\n<h1>Where these photos may have been taken</h1>\n<p>");
    add_counts(out, page);
    enum writer_precision precision =
        page->precision > options->precision ? page->precision : options->precision;
    if (precision != PRECISION_FULL)
        buffer_format(out, " Places are given to the %s only.", writer_precision_names[precision]);
    buffer_add_text(out, "</p>\n<p class=\"caution\">Every place on this page is an estimate that ");
    add_models(out, page, options);
    buffer_add_text(out,
                    " made from what the pictures show. None was measured, and any of them may be wrong.");
    if (page->drawn || (!page->model_count && writer_is_drawn_world(options->model)))
        buffer_add_text(out,
                        " <strong>This is the embedded model: it knows a drawn world only, postcards of 48 "
                        "cities. What it says of a real photo means nothing.</strong>");
    buffer_add_text(out, "</p>\n</header>\n");
}

void writer_html_head(struct buffer *out, const struct writer_page *page,
                      const struct writer_options *options) {
    buffer_add_text(out, head);
    for (size_t i = 0; writer_html_style[i]; i++) buffer_add_text(out, writer_html_style[i]);
    writer_tools_add_style(out, page);
    buffer_add_text(out, "</style>\n</head>\n<body>\n");
    add_header(out, page, options);
    if (page->marker_count > 0) {
        buffer_add_text(out, "<section class=\"world\" id=\"places\">\n");
        writer_map_add(out, page->markers, page->marker_count, options->land);
        if (options->land)
            buffer_add_text(out,
                            "<p class=\"source\">The dots of the map are the world's towns (GeoNames, CC BY "
                            "4.0).</p>\n");
        buffer_add_text(out, "</section>\n");
    }
    writer_tools_add(out, page);
    buffer_add_text(out, "<main>\n");
}

void writer_html_tail(struct buffer *out) {
    buffer_add_text(out, "</main>\n</body>\n</html>\n");
}

void writer_page_free(struct writer_page *page) {
    if (page->cards) fclose(page->cards);
    for (size_t i = 0; i < page->marker_count; i++) free(page->markers[i].name);
    for (size_t i = 0; i < page->country_count; i++) free(page->countries[i].name);
    for (size_t i = 0; i < page->model_count; i++) free(page->models[i]);
    free(page->markers);
    free(page->countries);
    free(page->models);
    *page = (struct writer_page){0};
}
