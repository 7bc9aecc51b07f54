// What one family of models has of its own: a constant table, found by config.json's model_type. A new family is
// one more table with its list of tensors, and a golden test.
#ifndef GLOBE_MODEL_FAMILY_H
#define GLOBE_MODEL_FAMILY_H

#include <stddef.h>

#include "model/config.h"
#include "model/linear.h"
#include "model/model.h"

struct config_file;
struct decoder;
struct part_list;
struct vision;

// A name that begins with `from` begins with `to` elsewhere.
struct family_prefix {
    const char *from, *to;
};

// A special token that the chat template writes, and where config.json's number for it is kept: an offset in struct
// model_config, or FAMILY_NO_ID.
struct family_token {
    const char *text;
    size_t id;
};
#define FAMILY_NO_ID ((size_t)-1)

struct model_family {
    const char *name;         // its model_type
    const char *architecture; // its name in "architectures", where a file has no model_type
    // Text, vision and token ids of a configuration.
    int (*read_config)(struct model_config *config, const struct config_file *file, struct error *error);
    // Keys of config.json, of text_config too, and of vision_config that it reads, or that change nothing for it; both
    // end with NULL.
    const char *const *text_keys, *const *vision_keys;

    // Tensors. From names in files to published ones; the first that fits counts, so longer prefixes stand before
    // shorter ones. From those to what transformers has called modules since 4.52. Both end with NULL.
    const struct family_prefix *published, *renamed;
    const char *tower;            // what published names of the tower begin with
    const char *embedding, *head; // names; a tied head is the embedding
    void (*list_tensors)(struct part_list *list, const struct model_config *config, struct decoder *decoder,
                         struct vision *vision);

    // Words. The tokens end with NULL.
    const struct family_token *tokens;
    const char *turn_end; // ends an answer where no file says what does
    int (*check_template)(const char *folder, bool builtin, struct warnings *warnings, struct error *error);

    // Pictures: their sizes; grids and patches of prompt->resized; positions of a prompt's tokens; embeddings.
    int (*measure)(const struct model *model, const struct chat_size *wish, size_t width, size_t height,
                   struct picture_size *size, struct error *error);
    int (*cut)(struct prompt *prompt, const struct model *model, struct error *error);
    int (*place)(const struct model *model, struct prompt *prompt, struct error *error);
    int (*see)(struct model *model, const struct prompt *prompt, const struct linear_additions *additions,
               struct matrix embeds, const struct trace *trace, struct error *error);
};

extern const struct model_family model_qwen2_5_vl;
// All of them; ends with NULL.
extern const struct model_family *const model_families[];

// The published form of a name in a file, into text[0, size).
void model_family_publish(const struct model_family *family, const char *name, char *text, size_t size);

#endif
