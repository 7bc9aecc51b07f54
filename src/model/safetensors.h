// safetensors: an 8-byte little-endian header length, a JSON header, raw tensors. Files are mapped, never copied, and
// every offset is checked before use.
#ifndef GLOBE_MODEL_SAFETENSORS_H
#define GLOBE_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/tensor.h"

struct safetensors; // one file, or the shards of an index

// FILE.safetensors, or a folder with model.safetensors or model.safetensors.index.json + its shards.
struct safetensors *safetensors_open(const char *path, struct error *error);
// One file's bytes in memory (fuzzing, tests); `data` must outlive the result.
struct safetensors *safetensors_parse(const void *data, size_t size, const char *name, struct error *error);
void safetensors_free(struct safetensors *file);

size_t safetensors_count(const struct safetensors *file);
const char *safetensors_name(const struct safetensors *file, size_t index);
const struct tensor *safetensors_at(const struct safetensors *file, size_t index);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name); // NULL when absent
size_t safetensors_bytes(const struct safetensors *file); // all tensor data together
// Value of a "__metadata__" key of the (first) file, or NULL.
const char *safetensors_metadata(const struct safetensors *file, const char *key);

// Asks the kernel to read the file ahead (sequential, in the background).
void safetensors_prefetch(const struct safetensors *file);

// Writing: collect, then write everything at once, atomically. Data is copied only when `copy` is set.
struct safetensors_writer;
struct safetensors_writer *safetensors_writer_new(struct error *error);
int safetensors_writer_add(struct safetensors_writer *writer, const char *name, const struct tensor *tensor,
                           int copy, struct error *error);
int safetensors_writer_metadata(struct safetensors_writer *writer, const char *key, const char *value,
                                struct error *error);
// Tensors in the given order, 8-byte aligned, header padded to 8 bytes, as the reference library writes them.
int safetensors_writer_save(const struct safetensors_writer *writer, const char *path, struct error *error);
void safetensors_writer_free(struct safetensors_writer *writer);

#endif
