// Tensors in files: mapped or copied from byte ranges, and written one after another. What the ranges mean is the
// business of the formats, which TypeScript reads (lib/checkpoints).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eegtorch {

// One storage: a range of the file, or bytes already in memory (an entry that had to be decompressed).
struct StorageRange {
  uint64_t offset = 0, bytes = 0;
  std::optional<std::string_view> memory;  // copied; offset and bytes are then ignored
};

// One tensor over a storage. Tensors that name the same storage share it, as tied weights do.
struct StoredTensor {
  size_t storage = 0;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  std::optional<std::vector<int64_t>> strides;  // in elements; contiguous when absent
  int64_t offset = 0;                           // in elements
};

// Tensors over one private mapping of the file: pages are read when touched, and writing to a tensor never changes the
// file. Ranges that are not aligned to their element size are copied. The mapping lives as long as any of the tensors.
// A file that another process shortens afterwards ends this process (SIGBUS) when a lost page is touched: replace files
// by renaming, as writeTensorFile does, or read them with readTensors.
//
// file_size: the size that the header was checked against. Throws Error FILE_NOT_FOUND, FILE_TRUNCATED (the file is
// smaller now, a range or tensor ends outside), FILE_INVALID (the file grew; negative or overflowing shapes).
std::vector<at::Tensor> mapTensors(const std::string& path, uint64_t file_size,
                                   const std::vector<StorageRange>& storages, const std::vector<StoredTensor>& tensors);

// From so many bytes on, mapLargeTensors maps a storage.
constexpr uint64_t kSmallestMapped = uint64_t{1} << 16;

// The same, each large storage over a mapping of its own, so that its pages go with it; small ones are copied, and lie
// as LibTorch's own memory does.
std::vector<at::Tensor> mapLargeTensors(const std::string& path, uint64_t file_size,
                                        const std::vector<StorageRange>& storages,
                                        const std::vector<StoredTensor>& tensors);

// The same, copied into memory of their own: the file may then change or go.
std::vector<at::Tensor> readTensors(const std::string& path, uint64_t file_size,
                                    const std::vector<StorageRange>& storages,
                                    const std::vector<StoredTensor>& tensors);

// Writes prefix and then each tensor's elements (row-major, little-endian) without gaps: under a temporary name in the
// same folder, flushed to disk, renamed last. Throws Error FILE_WRITE_FAILED; the old file then stays as it was.
void writeTensorFile(const std::string& path, std::string_view prefix, const std::vector<at::Tensor>& tensors);

}  // namespace eegtorch
