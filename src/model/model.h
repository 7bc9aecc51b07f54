// A whole model: checkpoint, tokenizer, processor and weights, ready to read prompts. Which family it is of
// (model/family.h) is said in its config.json, and no room above asks.
#ifndef GLOBE_MODEL_MODEL_H
#define GLOBE_MODEL_MODEL_H

#include <stdbool.h>

#include "base/memory.h"
#include "model/facts.h"
#include "model/kv_cache.h"
#include "model/trace.h"
#include "photo/image.h"
#include "photo/patches.h"
#include "tensor/device.h"
#include "text/chat.h"
#include "text/tokenizer.h"

enum model_type { MODEL_TYPE_AUTO, MODEL_TYPE_F32, MODEL_TYPE_BF16 };

struct model_options {
    enum model_type
        type;    // of the arithmetic; auto: BF16 for BF16 weights where the processor is fast at it, else F32
    int threads; // 0: all processors
    const char *isa;       // NULL: the best (see device_open_cpu)
    size_t min_pixels;     // 0: preprocessor_config.json's
    size_t max_pixels;     // at most that one of preprocessor_config.json; 0: just that
    bool exact;            // log-probs of sampling, scoring and training agree to the bit (device_set_exact)
    bool builtin_template; // a checkpoint's chat template that is not the built-in one is a warning, no error
    const char *adapter;   // PEFT folder of a LoRA adapter to switch on, or NULL (others: model/lora.h)
};

// Not thread-safe: one forward pass at a time. model/facts.h says what may be known of it.
struct model;

// A folder as published on the hub, or a hub name of which the cache has a snapshot (model/hub.h). ERROR_MODEL for
// anything that is missing or wrong in it.
struct model *model_open(const char *name, const struct model_options *options, struct error *error);
void model_close(struct model *model);

// A prompt ready for the model. Zero-initialise, fill with prompt_build, release with prompt_free.
struct prompt {
    struct ids ids;
    int32_t *positions; // [3, ids.count]
    int32_t next_position;
    struct image_grid *grids;
    size_t grid_count;
    struct matrix patches; // [P, values of a patch] F32 of all images, host memory
    struct image *resized; // [grid_count], the pictures as the model sees them
};

// Images in the order in which the chat names them, already decoded. ERROR_LIMIT when the prompt does not fit
// the model's context.
int prompt_build(struct prompt *prompt, const struct model *model, const struct chat *chat,
                 const struct image *images, size_t image_count, struct error *error);
void prompt_free(struct prompt *prompt);
// Another chat about the pictures of a prompt of the same model, in the same order, without their pixels: as they are
// cut already. Patches that were let go stay away: then the tower's output must be given where the prompt is read.
int prompt_build_again(struct prompt *prompt, const struct model *model, const struct chat *chat,
                       const struct prompt *shown, struct error *error);
// Ends a prompt after its last picture. What followed goes to *rest (added to it): so chats that begin in the same way
// become one group of completions (model/score.h) over one picture.
int prompt_split(struct prompt *prompt, const struct model *model, struct ids *rest, struct error *error);

// A picture as the model would see it.
struct picture_size {
    size_t width, height;   // pixels, resized
    size_t patches, tokens; // that it becomes
};
// Of the chat's pictures, from their own sizes alone: sizes has room for as many as the chat names.
int prompt_measure(const struct model *model, const struct chat *chat, const size_t *widths,
                   const size_t *heights, struct picture_size *sizes, struct error *error);

// How long the parts took, in seconds.
struct prefill_times {
    double vision;
    double language;
};

// Runs the prompt into an empty cache (capacity >= ids.count), through the cache's adapter, and writes the logits of
// its last token to last [vocab]. With a trace, all stages and the logits of all positions are recorded. times may
// be NULL.
int model_prefill(struct model *model, const struct prompt *prompt, struct kv_cache *cache, float *last,
                  const struct trace *trace, struct prefill_times *times, struct error *error);

// The same in pieces, so that other work of the model may go on between them: begin, steps until all is read, then
// end, which gives the logits and frees what begin made. The first step sees the pictures; each further one reads at
// most `tokens` tokens, never across a multiple of 1024. Prompt and cache must live until then. Pieces of the same
// sizes give the same bits; on the CPU, with weights in the type of the arithmetic, pieces of MODEL_PREFILL_PIECE
// give those of the whole.
enum { MODEL_PREFILL_PIECE = 256 };
struct prefill;
// `embeds`: what model_see said about the prompt's pictures, so that several prompts over one picture run the tower
// once; it lives as long as the prompt. data NULL: they are seen now, through the cache's adapter.
struct prefill *model_prefill_begin(struct model *model, const struct prompt *prompt, struct matrix embeds,
                                    struct kv_cache *cache, struct error *error);
int model_prefill_step(struct prefill *prefill, size_t tokens, struct error *error);
bool model_prefill_is_read(const struct prefill *prefill); // nothing is left for a step
int model_prefill_end(struct prefill *prefill, float *last, struct prefill_times *times, struct error *error);
void model_prefill_drop(struct prefill *prefill); // instead of end; NULL will do

// What the tower, with the model's own adapter, says about a prompt's pictures: embeds [rows, hidden] F32 in host
// memory, rows = patches.rows / patches_per_token.
int model_see(struct model *model, const struct prompt *prompt, float *embeds, struct error *error);
// The same, for the stages on the way: "vision.patch_embed", "vision.block.0", ..., "vision.embeds".
int model_watch(struct model *model, const struct prompt *prompt, const struct trace *trace,
                struct error *error);

// A cache for `capacity` tokens that go through the model's own adapter, if it has one; for another, or for
// lora_none(), set cache->adapter before the first token.
int model_cache_open(const struct model *model, struct kv_cache *cache, size_t capacity, struct error *error);

// One more token for each of `count` sequences: ids and positions (the same on all axes) in, logits [count,
// vocab] F32 out. logits may be NULL.
int model_decode(struct model *model, const int32_t *ids, const int32_t *positions,
                 const struct decoder_sequence *sequences, size_t count, float *logits, struct error *error);

// out[i] = log softmax(logits[i] / temperatures[i])[ids[i]], logits [count, vocab] in host memory, as
// model_score_groups computes it: with model_options.exact to the bit.
int model_log_softmax(struct model *model, const float *logits, const int32_t *ids, const float *temperatures,
                      size_t count, float *out, struct error *error);

// Log-probs of `count` given tokens that follow a prompt: logits_before [vocab] predicted the first one; the
// rest come from one pass over the tokens after the shared prefix.
int model_score(struct model *model, const struct prompt *prompt, const struct kv_cache *prefix,
                const float *logits_before, const int32_t *ids, size_t count, float *log_probs,
                struct error *error);

#endif
