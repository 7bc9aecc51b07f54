// What votes are worth: maps, radii, and the file that holds them.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "locate/calibration.h"

static struct calibration_run *example(void) {
    struct calibration_run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    struct sampling sampling = sampling_default();
    sampling.temperature = 1;
    calibration_describe(run, "Where is this?", &sampling, 50, 1000);
    run->samples = 4;
    run->pictures = 700;
    for (int q = 0; q < CALIBRATION_QUANTILES; q++) run->distances[q] = 100.0 * q; // 0 to 2000 km
    for (size_t n = 2; n <= 4; n++)
        for (int level = 0; level < VERDICT_LEVELS; level++) {
            for (size_t k = 0; k < n; k++)
                run->maps[n].right[level][k] = 0.2 + 0.7 * (double)(k + 1) / (double)n;
            run->maps[n].mass[level][0] = 0.1;
            run->maps[n].mass[level][1] = 0.9;
        }
    return run;
}

static void votes_have_their_worth(void **state) {
    (void)state;
    struct calibration_run *run = example();
    assert_near(calibration_confidence(run, LEVEL_CITY, 4, 4, -1), 0.9, 1e-12);
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 4, -1), 0.375, 1e-12);
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 2, -1), 0.55, 1e-12);
    // More samples than were measured: by their share, between two numbers of votes.
    assert_near(calibration_confidence(run, LEVEL_CITY, 8, 8, -1), 0.9, 1e-12);
    assert_near(calibration_confidence(run, LEVEL_CITY, 7, 8, -1), (0.9 + 0.725) / 2, 1e-12);
    assert_true(calibration_confidence(run, LEVEL_CITY, 1, 100, -1) < 0.375);
    // One sample: nothing was measured.
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 1, 0.5), -1, 0);
    run->point_count = 2;
    run->points[0] = 0.5, run->points[1] = 1;
    run->worth[LEVEL_CITY][0] = 0.4, run->worth[LEVEL_CITY][1] = 0.8;
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 1, 0.75), 0.6, 1e-12);
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 1, 0.1), 0.4, 1e-12);
    assert_near(calibration_confidence(run, LEVEL_CITY, 1, 1, -1), -1, 0); // not known stays not known
    free(run);
}

static void radii_hold_their_mass(void **state) {
    (void)state;
    struct calibration_run *run = example();
    struct verdict_vote votes[2] = {
        {.place = {.has_position = true, .position = {0, 0}, .radius_km = 10}, .count = 3},
        {.place = {.has_position = true, .position = {0, 10}, .radius_km = 20}, .count = 1}};
    struct verdict verdict = {
        .samples = 4, .level = LEVEL_CITY, .votes = votes, .vote_count = 2, .place = votes[0].place};
    // The place itself holds 3 of 5, more than a tenth.
    assert_near(calibration_radius(run, &verdict, 0), 10, 1e-9);
    // Nine tenths of 5 are 4.5: both places, and half of the prior, which reaches 1000 km.
    double other = sphere_distance(votes[0].place.position, votes[1].place.position) + 20;
    assert_true(other > 1000);
    assert_near(calibration_radius(run, &verdict, 1), other, 1e-6);
    run->maps[4].mass[LEVEL_CITY][1] = 4.8 / 5;
    assert_near(calibration_radius(run, &verdict, 1), 1600, 1e-6);
    // Nothing tells where samples lie that name no place.
    verdict.vote_count = 1;
    run->maps[4].mass[LEVEL_CITY][1] = 0.9;
    assert_near(calibration_radius(run, &verdict, 1), 20037.51, 1e-6);
    verdict.place.has_position = false;
    assert_near(calibration_radius(run, &verdict, 1), -1, 0);
    free(run);
}

static void files_are_read_back(void **state) {
    (void)state;
    struct calibration calibration = {0}, back;
    struct calibration_run *run = example(), *like = example();
    struct error error = {0};
    char path[] = "/tmp/globe-calibration-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_ok(calibration_put(&calibration, run, &error), error);
    run->pictures = 701; // the same run again takes its place
    assert_ok(calibration_put(&calibration, run, &error), error);
    assert_int_equal(calibration.count, 1);
    assert_ok(calibration_write(&calibration, path, &error), error);
    assert_ok(calibration_read(&back, path, &error), error);
    const struct calibration_run *found = calibration_find(&back, like, 8);
    assert_non_null(found);
    assert_int_equal(found->pictures, 701);
    assert_near(found->maps[3].right[LEVEL_REGION][1], 0.2 + 1.4 / 3, 1e-5);
    assert_null(calibration_find(&back, like, 1)); // one sample is another matter
    like->temperature = 0.7;
    assert_null(calibration_find(&back, like, 8)); // and so is another temperature
    calibration_free(&back);
    static const char *const broken[] = {
        "", "{}", "[1]", "{\"format\": \"globe calibration 1\", \"runs\": [1]}",
        "{\"format\": \"globe calibration 1\", \"runs\": [{\"samples\": 8}]}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_ok(file_write(path, broken[i], strlen(broken[i]), &error), error);
        assert_int_equal(calibration_read(&back, path, &error), -1);
        assert_int_equal(error.code, ERROR_MODEL);
        assert_non_null(strstr(error.message, path));
    }
    unlink(path);
    calibration_free(&calibration);
    free(run);
    free(like);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_have_their_worth),
        cmocka_unit_test(radii_hold_their_mass),
        cmocka_unit_test(files_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
