// Rewards of others: programs that die, hang and lie, and shared objects that are none.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "reward/reply.h"
#include "reward/reward.h"

static struct error error;

enum { COUNT = 3 };
static double values[COUNT];
static bool masked[COUNT];

static struct reward_set *open_set(const char *spec) {
    return reward_set_open(&spec, 1, &(struct reward_options){.gazetteer = NULL}, &error);
}

static int score_set(struct reward_set *set) {
    static const int32_t ids[] = {7, 8};
    json_t *row = json_pack("{s:s, s:i, s:[s]}", "country", "Peru", "index", 4, "images", "a.jpg");
    struct reward_completion completions[COUNT] = {
        {.text = "one", .length = 3, .ids = ids, .id_count = 2, .row = row, .prompt = "Where?"},
        {.text = "t\xFFo\n", .length = 4, .row = row, .cut = true},
        {.text = "", .length = 0},
    };
    const struct reward_batch batch = {.completions = completions, .count = COUNT, .step = 9};
    int result = reward_set_score(set, &batch, values, masked, &error);
    json_decref(row);
    return result;
}

// A program that answers these lines, one to each question; the first question is the one at the start.
static const char *script(const char *body) {
    static char spec[2000];
    const char *path = test_temporary("reward.sh");
    test_write(path, body, strlen(body));
    snprintf(spec, sizeof spec, "process:timeout=60,command=\"exec sh %s\"", path);
    return spec;
}

static void refuse(const char *body, enum error_code code, const char *why) {
    struct reward_set *set = open_set(script(body));
    assert_got(set, error);
    assert_error(score_set(set), error, code, why);
    // It is not asked again.
    assert_error(score_set(set), error, ERROR_NETWORK, "failed before and is not started again");
    reward_set_close(set);
}

#define HELLO "read -r q; echo '[]'; read -r q; "

static void a_program_answers(void **state) {
    (void)state;
    struct reward_set *set =
        open_set(script("read -r q; echo '{\"id\":0,\"rewards\":[]}'\n"
                        "while read -r q; do printf '%s\\n' \"$q\" >\"${0%.sh}.question\"\n"
                        "echo '{\"rewards\": [0.25, null, -3]}'; done"));
    assert_got(set, error);
    for (int again = 0; again < 2; again++) {
        assert_ok(score_set(set), error);
        assert_near(values[0], 0.25, 0);
        assert_true(isnan(values[1]));
        assert_near(values[2], -3, 0);
    }
    reward_set_close(set);
    json_t *question = json_load_file(test_temporary("reward.question"), 0, NULL);
    assert_non_null(question);
    json_t *want = json_pack(
        "{s:i,s:i,s:i,s:[s,n,n],s:[s,s,s],s:[[i,i],n,n],s:[b,b,b],s:[s,s,n],s:[i,i,n],s:[[s],[s],n]}",
        "version", 1, "id", 2, "step", 9, "prompts", "Where?", "completions", "one", "t\xEF\xBF\xBDo\n", "",
        "completion_ids", 7, 8, "truncated", 0, 1, 0, "country", "Peru", "Peru", "index", 4, 4, "images",
        "a.jpg", "a.jpg");
    assert_non_null(want);
    assert_true(json_equal(question, want));
    json_decref(question), json_decref(want);
}

static void answers_that_are_none(void **state) {
    (void)state;
    refuse(HELLO "echo '[1,2]'; read -r q", ERROR_INPUT, "it gave 2 rewards for 3 completions");
    refuse(HELLO "echo '[1,2,3,4]'; read -r q", ERROR_INPUT, "it gave 4 rewards");
    refuse(HELLO "echo '[1,NaN,3]'; read -r q", ERROR_INPUT, "NaN, which JSON does not have: write null");
    refuse(HELLO "echo '[1,-Infinity,3]'; read -r q", ERROR_INPUT, "Infinity, which JSON does not have");
    refuse(HELLO "echo '[1,1e999,3]'; read -r q", ERROR_INPUT, "not JSON");
    refuse(HELLO "echo '[1,\"2\",3]'; read -r q", ERROR_INPUT,
           "reward of completion 1 is neither a number nor null");
    refuse(HELLO "echo '[1,true,3]'; read -r q", ERROR_INPUT, "completion 1 is neither");
    refuse(HELLO "echo 'Traceback (most recent call last):'; read -r q", ERROR_INPUT,
           "its answer is not JSON");
    refuse(HELLO "echo; read -r q", ERROR_INPUT, "not JSON");
    refuse(HELLO "echo '{\"id\": 7, \"rewards\": [1,2,3]}'; read -r q", ERROR_INPUT,
           "answered another question");
    refuse(HELLO "echo '{\"reward\": [1,2,3]}'; read -r q", ERROR_INPUT,
           "neither {\"rewards\": [...]} nor a list");
    refuse(HELLO "echo '{\"error\": \"no model\"}'; read -r q", ERROR_INPUT, "it says: no model");
    refuse(HELLO "printf '[1,2,3]\\n[1,2,3]\\n'; read -r q", ERROR_INPUT, "more than one line");
    refuse(HELLO "printf '\\000\\377\\n'; read -r q", ERROR_INPUT, "not JSON");
}

static void programs_that_end(void **state) {
    (void)state;
    refuse(HELLO "exit 3", ERROR_NETWORK, "it ended with status 3 without an answer");
    refuse(HELLO "printf '[1,2'; exit 0", ERROR_NETWORK, "status 0, in the middle of an answer");
    refuse(HELLO "kill -9 $$", ERROR_NETWORK, "it was ended by signal 9");
    assert_null(open_set("process:command=\"/nonexistent/program\""));
    assert_error(-1, error, ERROR_NETWORK, "status 127");
    assert_null(open_set("process:command=\"\""));
    assert_error(-1, error, ERROR_USAGE, "command is empty");
    assert_null(open_set("process"));
    assert_error(-1, error, ERROR_USAGE, "needs command=...");
    assert_null(open_set(script("read -r q; echo '[1]'; read -r q")));
    assert_error(-1, error, ERROR_INPUT, "for 0 completions");
}

static void programs_that_say_too_little_or_too_much(void **state) {
    (void)state;
    double start = clock_seconds();
    struct reward_set *set = open_set("process:timeout=0.2,check=false,command=\"sleep 100\"");
    assert_got(set, error);
    assert_error(score_set(set), error, ERROR_NETWORK, "did not answer within 0.2 seconds");
    reward_set_close(set);
    assert_true(clock_seconds() - start < 30); // it was not waited for
    set = open_set("process:timeout=60,check=false,max_line=1000,command=\"read -r q; cat /dev/zero\"");
    assert_got(set, error);
    assert_error(score_set(set), error, ERROR_INPUT, "longer than 1000 bytes");
    reward_set_close(set);
}

static void a_program_may_be_started_again(void **state) {
    (void)state;
    char spec[1000];
    const char *mark = test_temporary("mark");
    snprintf(spec, sizeof spec,
             "process:check=false,restarts=1,command=\"read -r q; if [ -e %s ]; then echo '[1,2,3]'; else "
             ">%s; fi\"",
             mark, mark);
    struct reward_set *set = open_set(spec);
    assert_got(set, error);
    assert_ok(score_set(set), error); // it ended, and answers when started again
    assert_near(values[2], 3, 0);
    assert_error(score_set(set), error, ERROR_NETWORK, "it ended with status 0"); // no second time
    reward_set_close(set);
}

static void failures_may_mask(void **state) {
    (void)state;
    struct reward_set *set = open_set("process:failure=mask,check=false,command=\"read -r q; echo "
                                      "'[1,{\\\"error\\\":\\\"odd\\\"},null]'; read -r q\"");
    assert_got(set, error);
    assert_ok(score_set(set), error);
    assert_near(values[0], 1, 0);
    assert_true(isnan(values[1]) && isnan(values[2]));
    assert_true(!masked[0] && masked[1] && !masked[2]);
    assert_int_equal(reward_set_failures(set, 0), 1);
    assert_ok(score_set(set), error); // it ended: all are masked, and none is a number
    assert_true(isnan(values[0]) && masked[0] && masked[1] && masked[2]);
    assert_int_equal(reward_set_failures(set, 0), 4);
    reward_set_close(set);
    set = open_set(
        "process:check=false,command=\"read -r q; echo '[1,{\\\"error\\\":\\\"odd\\\"},null]'; read -r q\"");
    assert_got(set, error);
    assert_error(score_set(set), error, ERROR_INPUT, "completion 1: it says: odd");
    reward_set_close(set);
}

// A question that is larger than any pipe, to a program that writes before it has read it all.
static void large_questions_do_not_block(void **state) {
    (void)state;
    static char text[1 << 20];
    memset(text, 'a', sizeof text);
    struct reward_completion completion = {.text = text, .length = sizeof text};
    const struct reward_batch batch = {.completions = &completion, .count = 1};
    struct reward_set *set =
        open_set("process:timeout=60,check=false,command=\"read -r q; echo [${#q}]; read -r q\"");
    assert_got(set, error);
    assert_ok(reward_set_score(set, &batch, values, masked, &error), error);
    assert_true(values[0] > sizeof text);
    reward_set_close(set);
    set = open_set("process:timeout=60,check=false,command=\"echo [1]; sleep 100\"");
    assert_got(set, error);
    assert_error(reward_set_score(set, &batch, values, masked, &error), error, ERROR_INPUT,
                 "answered before it had read the question");
    reward_set_close(set);
}

// ---- shared objects -------------------------------------------------------------------------------------

static const char *plugin(const char *file, const char *options) {
    static char spec[2000];
    snprintf(spec, sizeof spec, "plugin:path=\"%s/%s\",options=\"%s\"", TEST_BINARY_DIR, file, options);
    return spec;
}

static void shared_objects_score(void **state) {
    (void)state;
    struct reward_set *set = open_set(plugin("bad_plugin.so", "texts"));
    assert_got(set, error);
    assert_ok(score_set(set), error);
    assert_near(values[0], 203.5, 0); // 3 bytes, 2 ids, the row
    assert_near(values[1], 6.5, 0);   // as valid UTF-8
    assert_near(values[2], 0, 0);
    reward_set_close(set);
    set = open_set(plugin("example_few_sentences.so", "most=1"));
    assert_got(set, error);
    assert_ok(score_set(set), error);
    assert_near(values[0], 1, 0);
    assert_true(isnan(values[1])); // it was cut
    reward_set_close(set);
    assert_null(open_set(plugin("example_few_sentences.so", "least=1")));
    assert_error(-1, error, ERROR_INPUT, "it does not open: options are \"least=1\"");
}

static void shared_objects_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *file, *options, *why;
    } bad[] = {
        {"missing.so", "", "it cannot be loaded"},
        {"CMakeCache.txt", "", "it cannot be loaded"},
        {"no_plugin.so", "", "another version of the interface (0, not 1)"},
        {"other_abi.so", "", "another version of the interface (2, not 1)"},
        {"bad_plugin.so", "not open", "it does not open: xxxx"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(open_set(plugin(bad[i].file, bad[i].options)));
        assert_error(-1, error, ERROR_INPUT, bad[i].why);
    }
    struct reward_set *set = open_set(plugin("bad_plugin.so", "fail"));
    assert_got(set, error);
    assert_error(score_set(set), error, ERROR_INPUT, "it failed: no");
    reward_set_close(set);
    set = open_set(plugin("bad_plugin.so", "infinite"));
    assert_got(set, error);
    assert_error(score_set(set), error, ERROR_INPUT, "is inf, beyond 1e+100");
    reward_set_close(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_answers),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(programs_that_end),
        cmocka_unit_test(programs_that_say_too_little_or_too_much),
        cmocka_unit_test(a_program_may_be_started_again),
        cmocka_unit_test(failures_may_mask),
        cmocka_unit_test(large_questions_do_not_block),
        cmocka_unit_test(shared_objects_score),
        cmocka_unit_test(shared_objects_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
