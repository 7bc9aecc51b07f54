// Filtering and sorting without a script: the style asks which option of a list is chosen, with :has(). A
// browser that does not know it (before 2024) shows all photos in the order of the batch.
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "locate/writer_internal.h"

enum { STEP = 4000 }; // of the order, per country: more than --c of any card

static const struct {
    const char *label;
    enum writer_band least, most; // of the bands that are shown
} choices[] = {{"at least 90 %", BAND_VERY, BAND_VERY},
               {"at least 70 %", BAND_VERY, BAND_QUITE},
               {"at least 50 %", BAND_VERY, BAND_FAIRLY},
               {"under 50 %", BAND_UNSURE, BAND_UNSURE},
               {"not measured", BAND_UNKNOWN, BAND_UNKNOWN}};
enum { CHOICES = sizeof choices / sizeof *choices };

static size_t count_choice(const struct writer_page *page, size_t choice) {
    size_t count = 0;
    for (int band = (int)choices[choice].least; band <= (int)choices[choice].most; band++)
        count += page->bands[band];
    return count;
}

// The countries' numbers by name; NULL when there is no memory. free() it.
struct ranked {
    const struct writer_country *country;
    size_t number;
};

static int compare_countries(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    return strcasecmp(x->country->name, y->country->name);
}

static struct ranked *rank(const struct writer_page *page) {
    struct ranked *ranked = memory_new(page->country_count, sizeof *ranked, "page", NULL);
    for (size_t i = 0; ranked && i < page->country_count; i++)
        ranked[i] = (struct ranked){&page->countries[i], i};
    if (ranked) qsort(ranked, page->country_count, sizeof *ranked, compare_countries);
    return ranked;
}

// ---- the lists ------------------------------------------------------------------------------------------

static void begin_list(struct buffer *out, const char *id, const char *label, const char *all) {
    buffer_format(out, "<label>%s <select id=\"%s\" autocomplete=\"off\"><option value=\"all\">%s</option>",
                  label, id, all);
}

static void end_list(struct buffer *out) {
    buffer_add_text(out, "</select></label>\n");
}

static void add_countries(struct buffer *out, const struct writer_page *page, const struct ranked *ranked) {
    if (page->country_count == 0) return;
    begin_list(out, "country", "Country", "all");
    size_t with = 0;
    for (size_t i = 0; i < page->country_count; i++) {
        buffer_format(out, "<option value=\"k%zu\">", ranked[i].number);
        writer_add_xml(out, ranked[i].country->name, CLEAN_LINE);
        buffer_format(out, " (%zu)</option>", ranked[i].country->count);
        with += ranked[i].country->count;
    }
    if (with < page->count)
        buffer_format(out, "<option value=\"none\">none (%zu)</option>", page->count - with);
    end_list(out);
}

static void add_choices(struct buffer *out, const struct writer_page *page) {
    begin_list(out, "sure", "Confidence", "any");
    for (size_t i = 0; i < CHOICES; i++)
        if (count_choice(page, i))
            buffer_format(out, "<option value=\"s%zu\">%s (%zu)</option>", i, choices[i].label,
                          count_choice(page, i));
    end_list(out);
}

static void add_outcomes(struct buffer *out, const struct writer_page *page) {
    begin_list(out, "outcome", "Outcome", "all");
    for (int outcome = 0; outcome <= VERDICT_FAILED; outcome++)
        if (page->outcomes[outcome])
            buffer_format(out, "<option value=\"%s\">%s (%zu)</option>",
                          verdict_outcome_name((enum verdict_outcome)outcome),
                          writer_outcome_words((enum verdict_outcome)outcome), page->outcomes[outcome]);
    end_list(out);
}

void writer_tools_add(struct buffer *out, const struct writer_page *page) {
    if (page->count < 2) return;
    struct ranked *ranked = rank(page);
    if (!ranked) {
        out->failed = true;
        return;
    }
    buffer_add_text(out, "<section class=\"tools\" aria-label=\"Filter and sort\">\n");
    add_countries(out, page, ranked);
    add_choices(out, page);
    add_outcomes(out, page);
    begin_list(out, "sort", "Order", "of the batch");
    buffer_add_text(out, "<option value=\"sure\">surest first</option>"
                         "<option value=\"unsure\">least sure first</option>");
    if (page->country_count > 1)
        buffer_add_text(out, "<option value=\"country\">by country, surest first</option>");
    end_list(out);
    buffer_add_text(out, "</section>\n");
    free(ranked);
}

// ---- the rules ------------------------------------------------------------------------------------------

// Opens a rule for when that option is chosen. What :has() stands on must not hold the cards: else the
// browser asks again for each of them while the page loads. A photo that a link leads to is always shown.
static void begin_rule(struct buffer *out, const char *list) {
    buffer_format(out, ".tools:has(#%s>option[value=", list);
}

static void hide_others(struct buffer *out) {
    buffer_add_text(out, ":target){display:none}\n");
}

static void add_country_rules(struct buffer *out, const struct writer_page *page,
                              const struct ranked *ranked) {
    for (size_t i = 0; i < page->country_count; i++) {
        size_t number = ranked[i].number;
        begin_rule(out, "country");
        buffer_format(out, "k%zu]:checked)~main article:not([data-k=k%zu],", number, number);
        hide_others(out);
    }
    begin_rule(out, "country");
    buffer_add_text(out, "none]:checked)~main article[data-k]:not(");
    hide_others(out);
    begin_rule(out, "sort");
    buffer_format(out, "country]:checked)~main article{order:%zu}\n", STEP * (page->country_count + 1));
    for (size_t i = 0; i < page->country_count; i++) {
        begin_rule(out, "sort");
        buffer_format(out, "country]:checked)~main article[data-k=k%zu]{order:calc(%zu + var(--c))}\n",
                      ranked[i].number, STEP * i);
    }
}

static void add_choice_rules(struct buffer *out, const struct writer_page *page) {
    for (size_t i = 0; i < CHOICES; i++) {
        if (count_choice(page, i) == 0) continue;
        begin_rule(out, "sure");
        buffer_format(out, "s%zu]:checked)~main article:not(", i);
        for (int band = (int)choices[i].least; band <= (int)choices[i].most; band++)
            buffer_format(out, ".placed.b%d,.abstained.b%d,", band, band);
        hide_others(out);
    }
}

static void add_outcome_rules(struct buffer *out, const struct writer_page *page) {
    for (int outcome = 0; outcome <= VERDICT_FAILED; outcome++) {
        if (page->outcomes[outcome] == 0) continue;
        const char *name = verdict_outcome_name((enum verdict_outcome)outcome);
        begin_rule(out, "outcome");
        buffer_format(out, "%s]:checked)~main article:not(.%s,", name, name);
        hide_others(out);
    }
}

void writer_tools_add_style(struct buffer *out, const struct writer_page *page) {
    if (page->count < 2) return;
    struct ranked *ranked = rank(page);
    if (!ranked) {
        out->failed = true;
        return;
    }
    add_country_rules(out, page, ranked);
    add_choice_rules(out, page);
    add_outcome_rules(out, page);
    begin_rule(out, "sort");
    buffer_add_text(out, "sure]:checked)~main article{order:var(--c)}\n");
    begin_rule(out, "sort");
    buffer_add_text(out, "unsure]:checked)~main article{order:var(--d,calc(-1*var(--c)))}\n");
    free(ranked);
}
