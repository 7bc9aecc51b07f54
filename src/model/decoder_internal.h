// The inside of the language model, for the files that compute with it: inference (decoder.c), training
// (decoder_backward.c) and whoever exchanges its weights (parts.c).
#ifndef GLOBE_MODEL_DECODER_INTERNAL_H
#define GLOBE_MODEL_DECODER_INTERNAL_H

#include "model/decoder.h"
#include "model/linear.h"

struct decoder_layer {
    struct matrix input_norm, post_norm; // [1, hidden]
    struct linear q, k, v, o, gate, up, down;
};

struct decoder {
    struct decoder_config config;
    struct matrix embedding; // [vocab, hidden]
    struct matrix final_norm;
    struct weight head; // lm_head, or the embedding when tied
    struct decoder_layer *layers;
};

// What a layer reads and writes; the matrices may be other ones for every layer.
struct decoder_pass {
    const struct decoder *decoder;
    struct device *device;
    struct linear_additions additions; // to the layers, of the rows of x
    struct matrix x;                   // the residual stream [rows, hidden], F32
    struct matrix cosine, sine;        // [rows, head_dim / 2]
    struct matrix normed, q, k, v, attended, gate, up;
    struct matrix activated; // silu(gate) * up; may be gate
    struct attention_segment *segments;
    size_t segment_count;
    float *log_sums; // NULL, or [rows, heads] on the device: kept for the backward pass
};

// The steps of a layer, in this order. Between the first two the caller says where keys and values lie
// (segments).
void decoder_project(const struct decoder_pass *pass, const struct decoder_layer *layer);  // normed, q, k, v
void decoder_attend(const struct decoder_pass *pass, const struct decoder_layer *layer);   // attended, x
void decoder_expand(const struct decoder_pass *pass, const struct decoder_layer *layer);   // normed, gate, up
void decoder_contract(const struct decoder_pass *pass, const struct decoder_layer *layer); // activated, x
// The attention of decoder_attend.
struct attention decoder_attention(const struct decoder_pass *pass);

#endif
