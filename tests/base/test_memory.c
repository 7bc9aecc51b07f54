#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void products_that_overflow_are_refused(void **state) {
    (void)state;
    struct error error;
    size_t product;
    assert_true(memory_multiply(SIZE_MAX, 1, &product));
    assert_int_equal(product, SIZE_MAX);
    assert_false(memory_multiply(SIZE_MAX / 2 + 1, 2, &product));
    assert_null(memory_new(SIZE_MAX / 2 + 1, 2, "rows", &error));
    test_check_error(&error, ERROR_MEMORY, "rows: ", __FILE__, __LINE__);
    assert_null(memory_new_aligned(SIZE_MAX, 1, "tiles", &error));
    test_check_error(&error, ERROR_MEMORY, "tiles: ", __FILE__, __LINE__);
    char *block = memory_new(4, 1, "text", &error);
    assert_got(block, error);
    assert_null(memory_grow(block, SIZE_MAX, 8, "text", &error));
    test_check_error(&error, ERROR_MEMORY, "text: ", __FILE__, __LINE__);
    block[3] = 'x'; // still ours
    free(block);
}

static void blocks_are_zeroed_and_grow(void **state) {
    (void)state;
    struct error error;
    int *numbers = memory_new(100, sizeof *numbers, "numbers", &error);
    assert_got(numbers, error);
    for (int i = 0; i < 100; i++) assert_int_equal(numbers[i], 0);
    numbers[99] = 7;
    numbers = memory_grow(numbers, 10000, sizeof *numbers, "numbers", &error);
    assert_got(numbers, error);
    assert_int_equal(numbers[99], 7);
    numbers[9999] = 1;
    free(numbers);
    void *nothing = memory_new(0, 8, "nothing", &error);
    assert_got(nothing, error);
    free(nothing);
}

static void aligned_blocks_are_aligned(void **state) {
    (void)state;
    struct error error;
    for (size_t size = 0; size < ((size_t)9 << 20); size = size * 3 + 1) {
        char *block = memory_new_aligned(size, 1, "block", &error);
        assert_got(block, error);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 1, size);
        free(block);
    }
}

static void copies_end_in_nul(void **state) {
    (void)state;
    struct error error;
    char *copy = memory_copy_string("abcdef", 3, &error);
    assert_got(copy, error);
    assert_string_equal(copy, "abc");
    free(copy);
}

static void arena_blocks_do_not_overlap(void **state) {
    (void)state;
    struct error error;
    struct arena *arena = arena_new(&error);
    assert_got(arena, error);
    enum { COUNT = 200 };
    unsigned char *blocks[COUNT];
    size_t sizes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i] = i * i * 7 + 1; // 17 MB in all: several blocks of the arena
        blocks[i] = arena_get(arena, sizes[i], i % 2 + 1, &error);
        assert_got(blocks[i], error);
        assert_int_equal((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < sizes[i]; j += 61) assert_int_equal(blocks[i][j], (unsigned char)i);
    arena_free(arena);
}

static void arena_rewinds_to_its_marks(void **state) {
    (void)state;
    struct error error;
    struct arena *arena = arena_new(&error);
    assert_got(arena, error);
    assert_int_equal(arena_mark(arena), 0);
    void *first = arena_get(arena, 100, 1, &error);
    size_t mark = arena_mark(arena);
    void *second = arena_get(arena, 100, 1, &error);
    assert_got(arena_get(arena, (size_t)3 << 20, 1, &error), error); // another block
    size_t far = arena_mark(arena);
    void *third = arena_get(arena, 64, 1, &error);
    assert_got(arena_get(arena, (size_t)64 << 20, 1, &error), error);
    arena_rewind(arena, far);
    assert_ptr_equal(arena_get(arena, 64, 1, &error), third);
    arena_rewind(arena, mark);
    assert_ptr_equal(arena_get(arena, 100, 1, &error), second);
    arena_reset(arena);
    assert_int_equal(arena_mark(arena), 0);
    assert_ptr_equal(arena_get(arena, 100, 1, &error), first);
    arena_free(arena);
    arena_free(NULL);
}

static void arena_refuses_what_cannot_be(void **state) {
    (void)state;
    struct error error;
    struct arena *arena = arena_new(&error);
    assert_got(arena, error);
    assert_null(arena_get(arena, SIZE_MAX, 2, &error));
    test_check_error(&error, ERROR_MEMORY, "arena", __FILE__, __LINE__);
    assert_null(arena_get(arena, SIZE_MAX - 10, 1, &error));
    test_check_error(&error, ERROR_MEMORY, "arena", __FILE__, __LINE__);
    assert_got(arena_get(arena, 0, 1, &error), error);
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_that_overflow_are_refused), cmocka_unit_test(blocks_are_zeroed_and_grow),
        cmocka_unit_test(aligned_blocks_are_aligned),         cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(arena_blocks_do_not_overlap),        cmocka_unit_test(arena_rewinds_to_its_marks),
        cmocka_unit_test(arena_refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
