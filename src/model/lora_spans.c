#include "model/lora_spans.h"

#include "model/lora_internal.h"

int lora_spans_open(struct linear_additions *additions, size_t most, struct workspace *workspace,
                    struct error *error) {
    *additions = (struct linear_additions){
        .spans = workspace_host(workspace, most ? most : 1, sizeof *additions->spans, error)};
    return additions->spans ? 0 : -1;
}

int lora_spans_add(struct linear_additions *additions, const struct model *model, const struct lora *adapter,
                   size_t rows, struct error *error) {
    if (!adapter) adapter = model->adapter;
    const struct low_rank *layers = adapter ? adapter->layers : NULL;
    if (layers && (adapter->device != model->device || adapter->tensors != model->tensor_count))
        return error_set(error, ERROR_INTERNAL, "the adapter was opened over another model");
    struct linear_span *last = additions->count ? &additions->spans[additions->count - 1] : NULL;
    if (last && last->layers == layers)
        last->rows += rows;
    else
        additions->spans[additions->count++] = (struct linear_span){.rows = rows, .layers = layers};
    return 0;
}

int lora_spans_one(struct linear_additions *additions, const struct model *model, const struct lora *adapter,
                   size_t rows, struct workspace *workspace, struct error *error) {
    if (lora_spans_open(additions, 1, workspace, error)) return -1;
    return lora_spans_add(additions, model, adapter, rows, error);
}

int lora_spans_sequences(struct linear_additions *additions, const struct model *model,
                         const struct decoder_sequence *sequences, size_t count, struct workspace *workspace,
                         struct error *error) {
    if (lora_spans_open(additions, count, workspace, error)) return -1;
    for (size_t i = 0; i < count; i++) {
        const struct lora *adapter = sequences[i].own->adapter;
        if (sequences[i].prefix && sequences[i].prefix->rows && sequences[i].prefix->adapter != adapter)
            return error_set(error, ERROR_INTERNAL,
                             "the sequence and its prefix went through different adapters");
        if (lora_spans_add(additions, model, adapter ? adapter : lora_none(), sequences[i].tokens, error))
            return -1;
    }
    return 0;
}
