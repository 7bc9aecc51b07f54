#include "bench/prompt.h"

#include <stdlib.h>

int bench_draw(struct image *image, size_t width, size_t height, struct error *error) {
    if (image_new(image, width, height, error)) return -1;
    for (size_t i = 0; i < width * height * 3; i++) image->rgb[i] = (uint8_t)(i * 2654435761u >> 13);
    return 0;
}

int bench_prompt(const struct model *model, size_t text_tokens, const struct image *image,
                 struct prompt *prompt, struct error *error) {
    struct chat chat = {0};
    size_t length = text_tokens; // random checkpoints have a token for each byte
    char *text = memory_new(length + 1, 1, "prompt", error);
    if (!text) return -1;
    for (size_t i = 0; i < length; i++) text[i] = i % 2 ? ' ' : 'a';
    int result = chat_add_message(&chat, "user", error) || chat_add_part(&chat, CHAT_IMAGE, "bench", error) ||
                         chat_add_part(&chat, CHAT_TEXT, text, error)
                     ? -1
                     : prompt_build(prompt, model, &chat, image, 1, error);
    chat_free(&chat);
    free(text);
    return result;
}
