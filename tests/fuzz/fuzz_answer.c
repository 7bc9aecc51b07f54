// Any bytes as a completion, under all rules: the results must be valid UTF-8 and stable in their format
// verdict.
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) {
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    bool well_formed = answer_is_well_formed(text, size);
    for (int rules = ANSWER_COMPAT_REWARD; rules <= ANSWER_LENIENT_CUT; rules++) {
        struct answer answer;
        struct error error;
        expect(answer_parse(&answer, text, size, (enum answer_rules)rules, &error) == 0);
        expect(answer.well_formed == well_formed);
        expect(utf8_is_valid(answer.country, strlen(answer.country)));
        expect(utf8_is_valid(answer.city, strlen(answer.city)));
        expect(utf8_is_valid(answer.reasoning, strlen(answer.reasoning)));
        expect(!answer.declined || (!*answer.country && !*answer.city));
        answer_free(&answer);
    }
    return 0;
}
