// Votes to verdicts: who wins, how sure that is, what stays unknown. With names only, and with the gazetteer
// that globe ships.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locate/judge.h"

enum { MOST_VOTES = 32 };

static struct gazetteer *shipped;

static int open_gazetteer(void **state) {
    (void)state;
    struct error error;
    shipped = gazetteer_open(TEST_BINARY_DIR "/data/gazetteer.sqlite", &error);
    if (!shipped) print_error("%s\n", error.message);
    return shipped ? 0 : -1;
}

static int close_gazetteer(void **state) {
    (void)state;
    gazetteer_close(shipped);
    return 0;
}

static struct judge_options names_only(void) {
    return (struct judge_options){.rules = ANSWER_LENIENT, .cluster_km = 50, .alternatives = 5};
}

static struct judge_options with_places(void) {
    struct judge_options options = names_only();
    options.gazetteer = shipped;
    return options;
}

// The verdict on `texts`, ended by NULL. *quoted may be NULL.
static struct verdict judge(const char *const *texts, const struct judge_options *options, size_t *quoted) {
    struct error error = {0};
    struct vote votes[MOST_VOTES] = {0};
    struct verdict verdict = {0};
    size_t count = 0, ignored;
    for (; texts[count]; count++)
        assert_ok(vote_copy(&votes[count], texts[count], strlen(texts[count]), NULL, NULL, 7, &error), error);
    assert_ok(judge_votes(&verdict, votes, count, options, quoted ? quoted : &ignored, &error), error);
    for (size_t i = 0; i < count; i++) vote_free(&votes[i]);
    assert_int_equal(verdict.samples, count);
    assert_int_equal(verdict.tokens, 7 * count);
    return verdict;
}

#define JUDGE(options, ...) judge((const char *const[]){__VA_ARGS__, NULL}, options, NULL)

static void assert_place(const struct verdict_place *place, const char *city, const char *country) {
    assert_string_equal(place->city, city);
    assert_string_equal(place->country, country);
}

#define PARIS "<think>A tower.</think><answer>country: France\ncity: Paris</answer>"
#define LYON "<think>Two rivers.</think><answer>country: France\ncity: Lyon</answer>"
#define VERSAILLES "<think>A palace.</think><answer>country: France\ncity: Versailles</answer>"
#define ROME "<think>Ruins.</think><answer>country: Italy\ncity: Rome</answer>"
#define FRANCE "<think>Bread.</think><answer>country: France\ncity: unknown</answer>"
#define MADRID "<think>Heat.</think><answer>country: Spain\ncity: Madrid</answer>"
#define DECLINE "<think>A wall.</think><answer>country: unknown\ncity: unknown</answer>"
#define BABBLE ""

// ---- names only ----

static void test_winner_and_alternatives(void **state) {
    (void)state;
    struct judge_options options = names_only();
    struct verdict v = JUDGE(&options, LYON, PARIS, ROME, PARIS, LYON, PARIS);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_place(&v.place, "Paris", "France");
    assert_near(v.confidence, 0.5, 1e-12);
    assert_near(v.place.share, 0.5, 1e-12);
    assert_int_equal(v.alternative_count, 2);
    assert_place(&v.alternatives[0], "Lyon", "France");
    assert_near(v.alternatives[0].share, 2.0 / 6, 1e-12);
    assert_place(&v.alternatives[1], "Rome", "Italy");
    assert_near(v.alternatives[1].share, 1.0 / 6, 1e-12);
    assert_false(v.place.has_position);
    assert_near(v.radius_50_km, -1, 0);
    assert_near(v.radius_90_km, -1, 0);
    assert_string_equal(v.place.match, "");
    assert_string_equal(v.place.region, "");
    assert_string_equal(v.reasoning, "A tower.");
    assert_string_equal(v.answer, PARIS);
    verdict_free(&v);
}

static void test_alternatives_are_limited(void **state) {
    (void)state;
    struct judge_options options = names_only();
    options.alternatives = 1;
    options.finest = true;
    struct verdict v = JUDGE(&options, ROME, PARIS, LYON, PARIS, LYON);
    assert_int_equal(v.alternative_count, 1);
    assert_place(&v.alternatives[0], "Lyon", "France");
    verdict_free(&v);
    options.alternatives = 0;
    v = JUDGE(&options, ROME, PARIS, LYON);
    assert_int_equal(v.alternative_count, 0);
    assert_null(v.alternatives);
    verdict_free(&v);
}

static void test_ties_go_to_the_first(void **state) {
    (void)state;
    struct judge_options options = names_only();
    options.finest = true;
    size_t quoted = 99;
    const char *const texts[] = {BABBLE, ROME, PARIS, PARIS, ROME, LYON, NULL};
    struct verdict v = judge(texts, &options, &quoted);
    assert_place(&v.place, "Rome", "Italy");
    assert_int_equal(quoted, 1);
    assert_place(&v.alternatives[0], "Paris", "France");
    assert_place(&v.alternatives[1], "Lyon", "France");
    assert_near(v.confidence, 2.0 / 6, 1e-12); // the vote that says nothing counts, too
    verdict_free(&v);
}

static void test_names_in_any_case_are_the_same(void **state) {
    (void)state;
    struct judge_options options = names_only();
    struct verdict v = JUDGE(&options, "country: FRANCE\ncity: PARIS", "country: France\ncity: Paris", ROME);
    assert_place(&v.place, "PARIS", "FRANCE");
    assert_near(v.confidence, 2.0 / 3, 1e-12);
    verdict_free(&v);
    // The city without its country is another claim.
    v = JUDGE(&options, "city: Paris", PARIS);
    assert_near(v.confidence, 0.5, 1e-12);
    verdict_free(&v);
}

static void test_declines(void **state) {
    (void)state;
    struct judge_options options = names_only();
    size_t quoted = 99;
    const char *const most[] = {PARIS, DECLINE, ROME, DECLINE, NULL};
    struct verdict v = judge(most, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_NOT_LOCATABLE);
    assert_int_equal(quoted, 1);
    assert_near(v.confidence, 0.5, 1e-12);
    assert_string_equal(v.reasoning, "A wall.");
    assert_null(v.place.city);
    assert_int_equal(v.alternative_count, 0);
    verdict_free(&v);
    // As many declines as votes for one place: the place is given.
    v = JUDGE(&options, DECLINE, PARIS, PARIS, DECLINE);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_place(&v.place, "Paris", "France");
    assert_near(v.confidence, 0.5, 1e-12);
    verdict_free(&v);
    v = JUDGE(&options, DECLINE);
    assert_int_equal(v.outcome, VERDICT_NOT_LOCATABLE);
    assert_near(v.confidence, -1, 0);
    verdict_free(&v);
    // One that declines among those that say nothing at all.
    const char *const few[] = {BABBLE, DECLINE, BABBLE, NULL};
    v = judge(few, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_NOT_LOCATABLE);
    assert_int_equal(quoted, 1);
    assert_near(v.confidence, 1.0 / 3, 1e-12);
    verdict_free(&v);
}

static void test_no_answer(void **state) {
    (void)state;
    struct judge_options options = names_only();
    size_t quoted = 99;
    const char *const texts[] = {"<think>and so on and on", "<think>then", NULL};
    struct verdict v = judge(texts, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_NO_ANSWER);
    assert_int_equal(quoted, 0);
    assert_near(v.confidence, -1, 0);
    assert_string_equal(v.reasoning, "and so on and on");
    assert_string_equal(v.answer, texts[0]);
    verdict_free(&v);
}

static void test_truncation_is_that_of_the_quoted_vote(void **state) {
    (void)state;
    struct error error = {0};
    struct judge_options options = names_only();
    struct vote votes[3];
    const char *const texts[] = {ROME, PARIS, PARIS};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(vote_copy(&votes[i], texts[i], strlen(texts[i]), NULL, NULL, i, &error), error);
        votes[i].truncated = i == 1;
    }
    struct verdict v = {0};
    size_t quoted;
    assert_ok(judge_votes(&v, votes, 3, &options, &quoted, &error), error);
    assert_int_equal(quoted, 1);
    assert_true(v.truncated);
    assert_int_equal(v.tokens, 3);
    verdict_free(&v);
    votes[1].truncated = false;
    votes[0].truncated = true;
    assert_ok(judge_votes(&v, votes, 3, &options, &quoted, &error), error);
    assert_false(v.truncated);
    verdict_free(&v);
    for (size_t i = 0; i < 3; i++) vote_free(&votes[i]);
}

// Cut off by the limit of tokens: a place counts only where the answer is closed. The released rules know no such
// thing.
static void test_half_an_answer_is_no_vote(void **state) {
    (void)state;
    struct error error = {0};
    struct judge_options options = names_only();
    static const struct {
        const char *text;
        bool truncated;
        enum answer_rules rules;
        enum verdict_outcome outcome;
    } cases[] = {{"<answer>country: France\ncity: Par", true, ANSWER_LENIENT, VERDICT_NO_ANSWER},
                 {"<answer>country: France\ncity: Par", false, ANSWER_LENIENT, VERDICT_PLACED},
                 {"<answer>country: France\ncity: Par", true, ANSWER_COMPAT_EVAL, VERDICT_PLACED},
                 {PARIS " It", true, ANSWER_LENIENT, VERDICT_PLACED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vote vote;
        struct verdict v = {0};
        size_t quoted;
        assert_ok(vote_copy(&vote, cases[i].text, strlen(cases[i].text), NULL, NULL, 9, &error), error);
        vote.truncated = cases[i].truncated;
        options.rules = cases[i].rules;
        assert_ok(judge_votes(&v, &vote, 1, &options, &quoted, &error), error);
        assert_int_equal(v.outcome, cases[i].outcome);
        verdict_free(&v);
        vote_free(&vote);
    }
}

static void test_abstain_below(void **state) {
    (void)state;
    struct judge_options options = names_only();
    options.abstain_below = 0.5;
    struct verdict v = JUDGE(&options, PARIS, ROME);
    assert_int_equal(v.outcome, VERDICT_PLACED); // not below
    verdict_free(&v);
    v = JUDGE(&options, PARIS, ROME, MADRID);
    assert_int_equal(v.outcome, VERDICT_ABSTAINED);
    assert_place(&v.place, "Paris", "France"); // still known to the caller
    assert_int_equal(v.level, LEVEL_CITY);
    assert_int_equal(v.alternative_count, 2);
    verdict_free(&v);
    v = JUDGE(&options, PARIS); // no log-probs: not sure of anything
    assert_int_equal(v.outcome, VERDICT_ABSTAINED);
    assert_near(v.confidence, -1, 0);
    verdict_free(&v);
    v = JUDGE(&options, DECLINE);
    assert_int_equal(v.outcome, VERDICT_NOT_LOCATABLE);
    verdict_free(&v);
    options.abstain_below = 0;
    v = JUDGE(&options, PARIS);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    verdict_free(&v);
}

// 63 % for one city and 25 % for another of its country are 88 % for the country.
static void test_levels(void **state) {
    (void)state;
    struct judge_options options = names_only();
    size_t quoted = 99;
    const char *const texts[] = {ROME, LYON, PARIS, PARIS, PARIS, LYON, PARIS, PARIS, NULL};
    struct verdict v = judge(texts, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_int_equal(v.level, LEVEL_CITY);
    assert_place(&v.place, "Paris", "France");
    assert_near(v.confidence, 0.625, 1e-12);
    assert_string_equal(v.standings[LEVEL_COUNTRY].name, "France");
    assert_near(v.standings[LEVEL_COUNTRY].share, 0.875, 1e-12);
    assert_null(v.standings[LEVEL_REGION].name); // names only
    assert_int_equal(v.vote_count, 3);
    assert_place(&v.votes[0].place, "Rome", "Italy"); // in the order of the samples
    assert_int_equal(v.votes[1].count, 2);
    assert_int_equal(v.votes[2].count, 5);
    verdict_free(&v);
    options.abstain_below = 0.8;
    v = judge(texts, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_int_equal(v.level, LEVEL_COUNTRY);
    assert_place(&v.place, "", "France");
    assert_near(v.confidence, 0.875, 1e-12);
    assert_near(v.place.share, 0.875, 1e-12);
    assert_int_equal(quoted, 2);              // an answer that says so
    assert_int_equal(v.alternative_count, 3); // the cities, too: which one is what is not sure
    assert_place(&v.alternatives[0], "Paris", "France");
    assert_near(v.alternatives[1].share, 0.25, 1e-12);
    verdict_free(&v);
    options.abstain_below = 0.9;
    v = judge(texts, &options, &quoted);
    assert_int_equal(v.outcome, VERDICT_ABSTAINED);
    assert_place(&v.place, "Paris", "France");
    assert_int_equal(v.alternative_count, 2);
    verdict_free(&v);
    // Nobody asked for it: what is less likely right than wrong is still not said.
    options.abstain_below = 0;
    v = JUDGE(&options, PARIS, LYON, ROME);
    assert_int_equal(v.level, LEVEL_COUNTRY);
    assert_place(&v.place, "", "France");
    verdict_free(&v);
    // Declining must outweigh the country, not each of its cities.
    v = JUDGE(&options, PARIS, LYON, DECLINE, DECLINE, VERSAILLES);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_int_equal(v.declined, 2);
    verdict_free(&v);
}

static void test_levels_have_their_positions(void **state) {
    (void)state;
    struct judge_options options = with_places();
    options.abstain_below = 0.9;
    struct verdict v = JUDGE(&options, PARIS, LYON, PARIS);
    assert_int_equal(v.level, LEVEL_COUNTRY);
    assert_string_equal(v.place.country_code, "FR");
    assert_true(v.place.has_position);
    assert_near(v.place.position.lat, v.place.country_position.lat, 0);
    assert_true(v.place.radius_km > 200);
    assert_true(v.radius_50_km > 0);
    verdict_free(&v);
    options.cluster_km = 1;
    v = JUDGE(&options, PARIS, VERSAILLES, PARIS);
    assert_int_equal(v.level, LEVEL_REGION);
    assert_place(&v.place, "", "France");
    assert_int_equal(strncmp(v.place.region, "Île-de-France", strlen("Île-de-France")), 0);
    assert_true(v.place.has_position);
    assert_true(sphere_distance(v.place.position, (struct point){48.86, 2.35}) < 60);
    assert_near(v.confidence, 1, 1e-12);
    verdict_free(&v);
}

static void test_contradictions(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned flags;
    } rows[] = {
        {"<think>Baguettes, so this is France.</think><answer>country: Italy\ncity: Rome</answer>",
         FLAG_OTHER_PLACE},
        {"<think>A tower. My answer is Paris in France.</think><answer>country: France\ncity: Lyon</answer>",
         0},
        {"<think>It could be Spain. The ruins suggest Italy.</think><answer>country: Italy\ncity: "
         "Rome</answer>",
         0},
        {"<think>This is likely Tokyo.</think><answer>country: Italy\ncity: Rome</answer>", FLAG_OTHER_PLACE},
        {"<think>This is likely Rome, not Athens or Greece.</think><answer>country: Italy\ncity: "
         "Rome</answer>",
         0},
        {"<think>Probably not Greece, rather than Spain.</think><answer>country: Italy\ncity: Rome</answer>",
         0},
        {"<think>Signs in Japanese. Therefore Japan.</think><answer>country: South Korea\ncity: "
         "Seoul</answer>",
         FLAG_OTHER_PLACE},
        {"<think>A wall in Japan.</think><answer>country: South Korea\ncity: Seoul</answer>",
         0}, // concludes nothing
        {"<think>Probably IT work in No 10.</think><answer>country: South Korea\ncity: Seoul</answer>", 0},
        {"<think></think><answer>country: South Korea\ncity: Seoul</answer>", 0},
    };
    struct judge_options options = with_places();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict v = JUDGE(&options, rows[i].text);
        if (v.flags != rows[i].flags) fail_msg("row %zu: flags %u", i, v.flags);
        verdict_free(&v);
    }
    struct verdict v = JUDGE(&options, "Europe"); // in no country
    assert_true(v.outcome == VERDICT_PLACED || v.outcome == VERDICT_NO_ANSWER);
    verdict_free(&v);
}

static void test_compat_rules(void **state) {
    (void)state;
    struct judge_options options = names_only();
    // eval.py knows lower-case keys only, and lower-cases what it finds.
    const char *shouted = "<think>x</think><answer>Country: France\nCity: Paris</answer>";
    struct verdict v = JUDGE(&options, shouted);
    assert_place(&v.place, "Paris", "France");
    verdict_free(&v);
    options.rules = ANSWER_COMPAT_EVAL;
    v = JUDGE(&options, shouted);
    assert_int_equal(v.outcome, VERDICT_NO_ANSWER);
    verdict_free(&v);
    v = JUDGE(&options, PARIS);
    assert_place(&v.place, "paris", "france");
    verdict_free(&v);
    v = JUDGE(&options, "The city: Paris"); // no tags: the whole text
    assert_place(&v.place, "paris", "");
    verdict_free(&v);
    v = JUDGE(&options, DECLINE); // the released rules know no declining
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_place(&v.place, "unknown", "unknown");
    verdict_free(&v);
    options.rules = ANSWER_COMPAT_REWARD;
    v = JUDGE(&options, "The city: Paris");
    assert_int_equal(v.outcome, VERDICT_NO_ANSWER);
    verdict_free(&v);
}

// ---- confidence of a single sample ----

struct piece {
    const char *text;
    float log_prob;
};

// One vote whose tokens are `pieces`, ended by a NULL text; its confidence.
static double confidence_of(const struct piece *pieces, enum answer_rules rules) {
    struct error error = {0};
    char text[512] = "";
    float log_probs[64];
    size_t ends[64], count = 0, quoted;
    for (; pieces[count].text; count++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s", pieces[count].text);
        log_probs[count] = pieces[count].log_prob;
        ends[count] = strlen(text);
    }
    struct vote vote;
    assert_ok(vote_copy(&vote, text, strlen(text), log_probs, ends, count, &error), error);
    struct judge_options options = names_only();
    options.rules = rules;
    struct verdict v = {0};
    assert_ok(judge_votes(&v, &vote, 1, &options, &quoted, &error), error);
    double confidence = v.confidence;
    assert_int_equal(v.outcome, VERDICT_PLACED);
    vote_free(&vote);
    verdict_free(&v);
    return confidence;
}

#define CONFIDENCE(...) confidence_of((const struct piece[]){__VA_ARGS__, {NULL, 0}}, ANSWER_LENIENT)

static void test_confidence_is_that_of_the_names(void **state) {
    (void)state;
    // p(" Fra") p("nce") p(" Paris") = 0.8 * 0.9 * 0.5; what stands around the names does not count.
    double p =
        CONFIDENCE({"<think>Paris?</think>", -9}, {"<answer>", -9}, {"country:", -9}, {" Fra", logf(0.8F)},
                   {"nce", logf(0.9F)}, {"\n", -9}, {"city:", -9}, {" Paris", logf(0.5F)}, {"</answer>", -9});
    assert_near(p, 0.8 * 0.9 * 0.5, 1e-6);
    // A token that reaches into a name counts as a whole, one that ends where it begins does not.
    p = CONFIDENCE({"country: ", -9}, {"France", logf(0.5F)}, {"\n", -9});
    assert_near(p, 0.5, 1e-6);
    p = CONFIDENCE({"city: Ro", logf(0.5F)}, {"me\n", logf(0.25F)});
    assert_near(p, 0.125, 1e-6);
}

static void test_names_inside_names_count_once(void **state) {
    (void)state;
    double p = CONFIDENCE({"country:", -9}, {" Mexico", logf(0.9F)}, {"\ncity:", -9}, {" Mexico", logf(0.8F)},
                          {" City", logf(0.7F)});
    assert_near(p, 0.9 * 0.8 * 0.7, 1e-6);
    p = CONFIDENCE({"country:", -9}, {" Singapore", logf(0.9F)}, {"\ncity:", -9}, {" Singapore", logf(0.8F)});
    assert_near(p, 0.9 * 0.8, 1e-6);
    p = CONFIDENCE({"city:", -9}, {" Mexico", logf(0.8F)}, {" City", logf(0.7F)}, {"\ncountry:", -9},
                   {" Mexico", logf(0.9F)});
    assert_near(p, 0.9 * 0.8 * 0.7, 1e-6);
}

static void test_tokens_that_are_parts_of_characters(void **state) {
    (void)state;
    // "\xC3" alone shows nothing; the next token completes the character.
    double p = CONFIDENCE({"country: ", -9}, {"", logf(0.5F)}, {"\xC3\x96sterreich", logf(0.5F)},
                          {"\ncity: ", -9}, {"", logf(0.5F)}, {"\xC3\x96lbronn", 0}, {"", -9});
    assert_near(p, 0.125, 1e-6);
}

static void test_confidence_is_unknown_where_names_were_changed(void **state) {
    (void)state;
    // The compat rules lower-case the name, and its first letter is none of ASCII's: it is not found again.
    const struct piece pieces[] = {{"country: ", -9}, {"\xC3\x96sterreich", -9}, {NULL, 0}};
    assert_near(confidence_of(pieces, ANSWER_COMPAT_DIRECT), -1, 0);
    const struct piece ascii[] = {{"country: ", -9}, {"Austria", logf(0.25F)}, {NULL, 0}};
    assert_near(confidence_of(ascii, ANSWER_COMPAT_DIRECT), 0.25, 1e-6);
    assert_near(CONFIDENCE({"country: Fr\xFFnce", -1}), -1, 0);
}

// ---- with the gazetteer ----

static void test_spellings_become_one_place(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict v =
        JUDGE(&options, "country: Germany\ncity: Cologne", "country: Deutschland\ncity: K\xC3\xB6ln",
              "country: Germany\ncity: Koeln", ROME);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_string_equal(v.place.country_code, "DE");
    assert_string_equal(v.place.country, "Germany");
    assert_true(v.place.region[0] != 0);
    assert_near(v.confidence, 0.75, 1e-12);
    assert_true(v.place.has_position);
    assert_near(v.place.position.lat, 50.93, 0.1);
    assert_near(v.place.position.lon, 6.95, 0.1);
    assert_true(v.place.radius_km > 0 && v.place.radius_km < 60);
    assert_true(v.place.has_country_position);
    assert_true(v.place.country_radius_km > 100);
    assert_int_equal(v.alternative_count, 1);
    assert_string_equal(v.alternatives[0].country_code, "IT");
    verdict_free(&v);
}

static void test_neighbours_agree(void **state) {
    (void)state;
    struct judge_options options = with_places(); // Versailles is 17 km from Paris, Lyon 390
    struct verdict v = JUDGE(&options, VERSAILLES, LYON, PARIS, PARIS);
    assert_place(&v.place, "Paris", "France"); // the more frequent of the two in the cluster
    assert_near(v.confidence, 0.75, 1e-12);
    assert_int_equal(v.alternative_count, 1);
    assert_place(&v.alternatives[0], "Lyon", "France");
    verdict_free(&v);
    options.cluster_km = 5;
    v = JUDGE(&options, VERSAILLES, LYON, PARIS, PARIS);
    assert_near(v.confidence, 0.5, 1e-12);
    assert_int_equal(v.alternative_count, 2);
    verdict_free(&v);
}

static void test_radii_hold_samples(void **state) {
    (void)state;
    struct judge_options options = with_places();
    double versailles = sphere_distance((struct point){48.853, 2.349}, (struct point){48.804, 2.134});
    // Ten samples: the 5th nearest is Paris itself, the 9th Versailles; the 10th does not matter.
    struct verdict v =
        JUDGE(&options, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, VERSAILLES, VERSAILLES, VERSAILLES, ROME);
    assert_near(v.radius_50_km, 0, 1e-9);
    assert_near(v.radius_90_km, versailles, 2);
    verdict_free(&v);
    // Half of the samples include Lyon now, nine tenths Rome.
    options.finest = true;
    v = JUDGE(&options, PARIS, LYON, ROME, PARIS, ROME);
    assert_near(v.radius_50_km, 392, 10);
    assert_near(v.radius_90_km, 1105, 20);
    verdict_free(&v);
    // What names no place is nowhere: one such vote of ten leaves both radii known, two leave only the first.
    v = JUDGE(&options, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, LYON, BABBLE);
    assert_near(v.radius_50_km, 0, 1e-9);
    assert_near(v.radius_90_km, 392, 10);
    verdict_free(&v);
    v = JUDGE(&options, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, PARIS, DECLINE, BABBLE);
    assert_near(v.radius_50_km, 0, 1e-9);
    assert_near(v.radius_90_km, -1, 0);
    verdict_free(&v);
    // One sample says nothing of a spread.
    v = JUDGE(&options, PARIS);
    assert_near(v.radius_50_km, -1, 0);
    assert_near(v.radius_90_km, -1, 0);
    verdict_free(&v);
}

static void test_radii_are_around_the_answer(void **state) {
    (void)state;
    // The cluster's middle is elsewhere: two votes for Versailles, two for suburbs around Paris, and the
    // first of the most frequent wins. Whatever wins, half of the samples must really lie within radius_50 of
    // it.
    struct judge_options options = with_places();
    static const char *const texts[] = {"country: France\ncity: Versailles",
                                        "country: France\ncity: Versailles",
                                        "country: France\ncity: Montreuil",
                                        "country: France\ncity: Saint-Denis",
                                        "country: France\ncity: Boulogne-Billancourt",
                                        NULL};
    struct verdict v = judge(texts, &options, NULL);
    assert_place(&v.place, "Versailles", "France");
    assert_near(v.confidence, 1, 1e-12);
    size_t within = 0;
    for (size_t i = 0; texts[i]; i++) {
        struct verdict one = JUDGE(&options, texts[i]);
        within += sphere_distance(v.place.position, one.place.position) <= v.radius_50_km + 1e-9;
        verdict_free(&one);
    }
    assert_true(within >= 3);
    assert_true(v.radius_50_km > 0);
    assert_true(v.radius_90_km >= v.radius_50_km);
    verdict_free(&v);
}

static void test_country_only(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict v = JUDGE(&options, FRANCE, FRANCE, PARIS);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_place(&v.place, "", "France"); // one sample in three for a city is too few
    assert_int_equal(v.level, LEVEL_COUNTRY);
    assert_string_equal(v.place.country_code, "FR");
    assert_near(v.confidence, 1, 1e-12);
    assert_true(v.place.has_position);
    assert_true(v.place.radius_km > 200);
    assert_int_equal(v.same_name_countries, 0);
    assert_place(&v.alternatives[0], "Paris", "France");
    verdict_free(&v);
}

static void test_unknown_cities_are_not_one_place(void **state) {
    (void)state;
    // Both get France's position, but the samples do not agree on a city.
    struct judge_options options = with_places();
    struct verdict v =
        JUDGE(&options, "country: France\ncity: Qqxyzzyville", "country: France\ncity: Wwplughbourg");
    assert_near(v.confidence, 0.5, 1e-12);
    assert_place(&v.place, "Qqxyzzyville", "France");
    assert_string_equal(v.place.match, "container");
    assert_true(v.place.has_position);
    assert_true(v.place.radius_km > 200);
    assert_int_equal(v.alternative_count, 1);
    verdict_free(&v);
    v = JUDGE(&options, "country: France\ncity: Qqxyzzyville", "country: France\ncity: qqxyzzyville");
    assert_near(v.confidence, 1, 1e-12);
    verdict_free(&v);
}

static void test_unknown_countries(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict v = JUDGE(&options, "country: Qqxyzzy\ncity: Wwplugh");
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_place(&v.place, "Wwplugh", "Qqxyzzy");
    assert_string_equal(v.place.country_code, "");
    assert_false(v.place.has_position);
    assert_string_equal(v.place.match, "");
    assert_near(v.place.radius_km, -1, 0);
    verdict_free(&v);
    // Known and unknown places in one vote.
    v = JUDGE(&options, PARIS, "country: Qqxyzzy\ncity: Wwplugh", "country: Qqxyzzy\ncity: Wwplugh");
    assert_place(&v.place, "Wwplugh", "Qqxyzzy");
    assert_near(v.confidence, 2.0 / 3, 1e-12);
    assert_near(v.radius_50_km, -1, 0);
    assert_place(&v.alternatives[0], "Paris", "France");
    verdict_free(&v);
}

static void test_same_name_countries(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict v = JUDGE(&options, "country: Australia\ncity: Perth");
    assert_true(v.same_name_countries > 1); // Scotland's, to begin with
    assert_string_equal(v.place.country_code, "AU");
    verdict_free(&v);
    v = JUDGE(&options, "country: Burkina Faso\ncity: Ouagadougou");
    assert_int_equal(v.same_name_countries, 1);
    verdict_free(&v);
}

// ---- hostile texts ----

#define TEXT(literal) \
    { literal, sizeof(literal) - 1 }

static void test_hostile_texts(void **state) {
    (void)state;
    struct error error = {0};
    enum { LONG = 100 * 1024 };
    char *lots = malloc(LONG), *name = malloc(LONG), *city = malloc(LONG);
    memset(lots, 'x', LONG);
    snprintf(name, LONG, "country: France\ncity: ");
    memset(name + strlen(name), 'a', LONG - strlen(name));
    for (size_t i = 0; i + 16 <= LONG; i += 16) memcpy(city + i, "city: Paris\r\xFF\0\x1B[", 16);
    const struct {
        const char *text;
        size_t length;
    } texts[] = {TEXT(""),
                 TEXT("\0\0\0"),
                 TEXT("country: Fr\0ance\ncity: P\0aris"),
                 TEXT("country: \xC3\x28\xFF\ncity: \xED\xA0\x80"),
                 TEXT("country: \x1B[31mFrance\ncity: \xE2\x80\xAEsiraP"),
                 TEXT("country: '; DROP TABLE place; --\ncity: %s%n"),
                 {lots, LONG},
                 {name, LONG},
                 {city, LONG}};
    enum { COUNT = sizeof texts / sizeof *texts };
    const enum answer_rules rules[] = {ANSWER_LENIENT, ANSWER_COMPAT_EVAL, ANSWER_COMPAT_DIRECT,
                                       ANSWER_COMPAT_REWARD};
    struct vote votes[COUNT];
    for (size_t r = 0; r < 4; r++) {
        struct judge_options options = with_places();
        options.rules = rules[r];
        for (size_t i = 0; i < COUNT; i++) {
            const float log_probs[] = {-1, -2};
            const size_t ends[] = {texts[i].length / 2, texts[i].length};
            assert_ok(vote_copy(&votes[i], texts[i].text, texts[i].length, log_probs, ends, 2, &error),
                      error);
            struct verdict v = {0};
            size_t quoted = 99;
            assert_ok(judge_votes(&v, &votes[i], 1, &options, &quoted, &error), error);
            assert_int_equal(quoted, 0);
            assert_true(v.confidence == -1 || (v.confidence > 0 && v.confidence <= 1));
            verdict_free(&v);
        }
        struct verdict v = {0};
        size_t quoted = 99;
        assert_ok(judge_votes(&v, votes, COUNT, &options, &quoted, &error), error);
        assert_true(quoted < COUNT);
        verdict_free(&v);
        for (size_t i = 0; i < COUNT; i++) vote_free(&votes[i]);
    }
    free(lots);
    free(name);
    free(city);
}

static void test_long_names_stay_names(void **state) {
    (void)state;
    char text[1200] = "country: France\ncity: ";
    memset(text + strlen(text), 'a', 600);
    struct judge_options options = with_places();
    struct verdict v = JUDGE(&options, text);
    assert_int_equal(v.outcome, VERDICT_PLACED);
    assert_string_equal(v.place.country, "France");
    verdict_free(&v);
}

static void test_votes_are_copies(void **state) {
    (void)state;
    struct error error = {0};
    char text[] = "abc\0def";
    float log_probs[] = {-1, -2};
    size_t ends[] = {3, 7};
    struct vote vote;
    assert_ok(vote_copy(&vote, text, 7, log_probs, ends, 2, &error), error);
    memset(text, 'z', sizeof text);
    ends[0] = 0;
    log_probs[1] = 0;
    assert_memory_equal(vote.text, "abc\0def", 8);
    assert_int_equal(vote.ends[0], 3);
    assert_near((double)vote.log_probs[1], -2, 0);
    assert_int_equal(vote.length, 7);
    vote_free(&vote);
    vote_free(&vote); // all zero now
    assert_ok(vote_copy(&vote, "", 0, NULL, NULL, 0, &error), error);
    assert_null(vote.log_probs);
    vote_free(&vote);
}

// A city that does not lie where the model says contradicts itself, even when its name is known.
static void test_names_that_disagree_are_flagged(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict v = JUDGE(&options, "<answer>country: Portugal\ncity: Paris</answer>");
    assert_place(&v.place, "Paris", "France");
    assert_true(v.place.disagrees);
    assert_true(v.flags & FLAG_NAMES);
    verdict_free(&v);
    v = JUDGE(&options, "<answer>country: USA\ncity: Springfield, Hawaii</answer>");
    assert_true(v.flags & FLAG_NAMES);
    assert_string_equal(v.place.region, "Hawaii");
    assert_string_equal(v.place.match, "container");
    verdict_free(&v);
    v = JUDGE(&options, PARIS, "<answer>country: Portugal\ncity: Paris</answer>");
    assert_false(v.flags & FLAG_NAMES); // one sample says it right
    verdict_free(&v);
}

// What the gazetteer says of a name beyond its place: a guess, a fallback, no city, no country.
static void test_doubtful_names(void **state) {
    (void)state;
    struct judge_options options = with_places();
    struct verdict verdict = JUDGE(&options, "<answer>country: Japan\ncity: Tokyo or Osaka</answer>");
    assert_place(&verdict.place, "Tokyo", "Japan");
    assert_true(verdict.place.hedged);
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: Japan\ncity: Unknown (possibly Kyoto)</answer>");
    assert_place(&verdict.place, "Kyoto", "Japan");
    assert_true(verdict.place.hedged);
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: Japan\ncity: Kyoto (likely)</answer>");
    assert_place(&verdict.place, "Kyoto", "Japan");
    assert_true(verdict.place.hedged);
    verdict_free(&verdict);
    verdict = JUDGE(&options, PARIS);
    assert_false(verdict.place.hedged);
    assert_null(verdict.place.fallback);
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: Norway\ncity: Old Mill, Bergen</answer>");
    assert_place(&verdict.place, "Bergen", "Norway");
    assert_string_equal(verdict.place.match, "container");
    assert_string_equal(verdict.place.fallback, "city");
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: Malaysia\ncity: Borneo</answer>");
    assert_place(&verdict.place, "", "Malaysia");
    assert_string_equal(verdict.place.region, "Borneo");
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: Europe\ncity: unknown</answer>");
    assert_place(&verdict.place, "", "");
    assert_string_equal(verdict.place.region, "Europe");
    assert_string_equal(verdict.place.country_code, "");
    assert_false(verdict.place.has_position);
    verdict_free(&verdict);
    verdict = JUDGE(&options, "<answer>country: United States\ncity: Washington</answer>");
    assert_near(verdict.place.position.lat, 38.9, 0.3);
    verdict_free(&verdict);
    options = names_only();
    verdict = JUDGE(&options, "<answer>country: Japan\ncity: possibly Tokyo</answer>");
    assert_place(&verdict.place, "Tokyo", "Japan");
    assert_true(verdict.place.hedged);
    verdict_free(&verdict);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubtful_names),
        cmocka_unit_test(test_winner_and_alternatives),
        cmocka_unit_test(test_alternatives_are_limited),
        cmocka_unit_test(test_ties_go_to_the_first),
        cmocka_unit_test(test_names_in_any_case_are_the_same),
        cmocka_unit_test(test_declines),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_truncation_is_that_of_the_quoted_vote),
        cmocka_unit_test(test_half_an_answer_is_no_vote),
        cmocka_unit_test(test_abstain_below),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_levels_have_their_positions),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_compat_rules),
        cmocka_unit_test(test_confidence_is_that_of_the_names),
        cmocka_unit_test(test_names_inside_names_count_once),
        cmocka_unit_test(test_tokens_that_are_parts_of_characters),
        cmocka_unit_test(test_confidence_is_unknown_where_names_were_changed),
        cmocka_unit_test(test_spellings_become_one_place),
        cmocka_unit_test(test_neighbours_agree),
        cmocka_unit_test(test_radii_hold_samples),
        cmocka_unit_test(test_radii_are_around_the_answer),
        cmocka_unit_test(test_country_only),
        cmocka_unit_test(test_unknown_cities_are_not_one_place),
        cmocka_unit_test(test_unknown_countries),
        cmocka_unit_test(test_same_name_countries),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_names_that_disagree_are_flagged),
        cmocka_unit_test(test_long_names_stay_names),
        cmocka_unit_test(test_votes_are_copies),
    };
    return cmocka_run_group_tests(tests, open_gazetteer, close_gazetteer);
}
