// From the completions for one photo to a verdict: every completion is read, looked up in the gazetteer and
// counted as a vote; votes are clustered on the sphere, and the heaviest cluster is the answer.
#ifndef GLOBE_LOCATE_JUDGE_H
#define GLOBE_LOCATE_JUDGE_H

#include "geo/gazetteer.h"
#include "locate/calibration.h"
#include "locate/verdict.h"
#include "model/attention_map.h"
#include "text/answer.h"

struct judge_options {
    struct gazetteer *gazetteer; // NULL: places have names only, votes are told apart by name
    enum answer_rules rules;
    double cluster_km; // votes that far apart still mean the same place
    // The answer is as fine as is sure: of city, region and country the first whose confidence is not below
    // this; when none is, the verdict is VERDICT_ABSTAINED, with the finest place that was named. 0: never
    // abstain; then the level is the first at least as likely right as wrong, else the coarsest. The
    // probability of a single answer's own words, not calibrated, chooses no level then. A confidence that is
    // not known lies below all others.
    double abstain_below;
    bool finest; // with abstain_below 0: always the finest place that was named (examinations)
    const struct calibration_run *calibration; // what votes are worth; NULL: not known
    size_t alternatives;                       // at most so many are kept
};

// A completion, kept until all are there.
struct vote {
    char *text;
    size_t length;
    bool truncated;
    size_t tokens;
    float *log_probs; // per token, with the ends of their texts; NULL when unknown
    size_t *ends;
    struct attention_map attention; // weights NULL unless it was asked for
};
int vote_copy(struct vote *vote, const char *text, size_t length, const float *log_probs, const size_t *ends,
              size_t tokens, struct error *error);
void vote_free(struct vote *vote);

// Fills everything of *verdict but photo, seconds and evidence. At least one vote. *quoted is the vote that
// the verdict rests on.
int judge_votes(struct verdict *verdict, const struct vote *votes, size_t count,
                const struct judge_options *options, size_t *quoted, struct error *error);

// Judges again what stands in a record: votes, declined, unread, samples and probability are taken as they
// are, and place, level, standings, confidence, radii and alternatives made anew. Reasoning, answer and clues
// stay those of the completion that was quoted.
int judge_again(struct verdict *verdict, const struct judge_options *options, struct error *error);

#endif
