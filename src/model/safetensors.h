// safetensors: an 8-byte little-endian header length, a JSON header, raw tensors. Files are mapped, not copied,
// and every offset is checked before use. Only a tensor that does not lie at a multiple of its type's size (the
// format allows it; MLX and old writers do not pad the header) is copied to where it can be read.
#ifndef GLOBE_MODEL_SAFETENSORS_H
#define GLOBE_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

struct safetensors; // one file, or the shards of an index

// FILE.safetensors, or a folder with model.safetensors or model.safetensors.index.json + its shards. The error for a
// folder with neither says what is there instead (PyTorch, GGUF, an adapter ...).
struct safetensors *safetensors_open(const char *path, struct error *error);
// One file's bytes in memory (fuzzing, tests); `data` must outlive the result.
struct safetensors *safetensors_parse(const void *data, size_t size, const char *name, struct error *error);
void safetensors_free(struct safetensors *file);

size_t safetensors_count(const struct safetensors *file);
const char *safetensors_name(const struct safetensors *file, size_t index);
const struct tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name); // NULL when absent
// The same, but absence is an error: ERROR_MODEL naming file and tensor.
const struct tensor *safetensors_get(const struct safetensors *file, const char *name, struct error *error);
// Bytes of tensors that had to be copied because of where they lie.
size_t safetensors_copied(const struct safetensors *file);
// The file that holds a tensor; for messages.
const char *safetensors_path(const struct safetensors *file, const struct tensor *tensor);
size_t safetensors_bytes(const struct safetensors *file); // all tensor data together
// Value of a "__metadata__" key of the (first) file, or NULL.
const char *safetensors_metadata(const struct safetensors *file, const char *key);

// Has the kernel read all files ahead, in order, while a thread of its own waits for the disk. Asking twice
// does no harm; safetensors_free ends it. Files larger than memory are better left alone.
void safetensors_prefetch(const struct safetensors *file);

// Writing: collect, then write everything at once, atomically. Data is copied only when `copy` is set.
struct safetensors_writer;
struct safetensors_writer *safetensors_writer_new(struct error *error);
int safetensors_writer_add(struct safetensors_writer *writer, const char *name, const struct tensor *tensor,
                           int copy, struct error *error);
// A tensor whose bytes are made while the file is written: read(context, offset, &size) returns the bytes at
// `offset` of the tensor and says in `size` how many there are in one piece (at least 1), or NULL after
// filling `error`. tensor->data is not looked at.
struct safetensors_source {
    const void *(*read)(void *context, size_t offset, size_t *size, struct error *error);
    void *context;
};
int safetensors_writer_add_source(struct safetensors_writer *writer, const char *name,
                                  const struct tensor *tensor, struct safetensors_source source,
                                  struct error *error);
int safetensors_writer_metadata(struct safetensors_writer *writer, const char *key, const char *value,
                                struct error *error);
// Larger element types first, so that all data is aligned, otherwise in the given order; no gaps; header
// padded to 8 bytes: what the reference library writes and accepts.
int safetensors_writer_save(const struct safetensors_writer *writer, const char *path, struct error *error);
void safetensors_writer_free(struct safetensors_writer *writer);

#endif
