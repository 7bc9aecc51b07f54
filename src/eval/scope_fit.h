// The scope of a model (locate/scope.h) from pictures that it was made for, and others.
#ifndef GLOBE_EVAL_SCOPE_FIT_H
#define GLOBE_EVAL_SCOPE_FIT_H

#include "base/buffer.h"
#include "eval/scope_vary.h"
#include "locate/scope.h"
#include "rows/truth.h"

enum { SCOPE_OTHER_KINDS = 16 };

struct scope_report {
    size_t pictures;                       // rows; twice as many views of them were scored
    double false_alarms[SCOPE_VARIATIONS]; // share out of scope, by what was done to them
    double found[SCOPE_OTHER_KINDS];       // share of the others that are out of scope, by kind
    size_t others[SCOPE_OTHER_KINDS];      // how many
};

// Looks at every row's picture as it is and once varied, and at as many others (eval/scope_others.h) as there are
// rows. Threshold and report come from scores of pictures that the weights have not met: five times a fifth is held out,
// and the rest gives the weights. At most `alarms` of the rows' views are above the threshold. Then all give the weights
// that stay. ERROR_INPUT for fewer than 500 rows or a picture that cannot be read.
int scope_fit_rows(struct scope *scope, struct model *model, const struct truth_list *rows, double alarms,
                   struct scope_report *report, struct error *error);
void scope_report_write(struct buffer *text, const struct scope *scope, const struct scope_report *report);

#endif
