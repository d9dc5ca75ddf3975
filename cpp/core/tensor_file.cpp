#include "core/tensor_file.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>

#include "core/error.h"

namespace eegtorch {

namespace {

class File {
 public:
  File(const std::string& path, int flags) : descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int close() {
    const int open = std::exchange(descriptor, -1);
    return open < 0 ? 0 : ::close(open);
  }

  int descriptor;
};

std::string systemError() { return std::strerror(errno); }

// The file, opened, when it still has the size that its header was checked against.
std::shared_ptr<File> openChecked(const std::string& path, uint64_t file_size) {
  auto file = std::make_shared<File>(path, O_RDONLY);
  struct stat status{};
  if (file->descriptor < 0 || ::fstat(file->descriptor, &status) != 0)
    throw Error("FILE_NOT_FOUND", path + ": cannot be opened (" + systemError() + ")");
  if (!S_ISREG(status.st_mode)) throw Error("FILE_INVALID", path + ": not a file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size != file_size)
    throw Error(size < file_size ? "FILE_TRUNCATED" : "FILE_INVALID", path + ": its size changed while it was read",
                std::to_string(file_size) + " bytes", std::to_string(size));
  return file;
}

// A range of a file in memory, read lazily and copied on write.
class Mapping {
 public:
  Mapping(const std::string& path, const File& file, uint64_t offset, uint64_t bytes) {
    static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    skipped_ = offset % page;  // a mapping starts on a page
    size_ = bytes + skipped_;
    if (bytes == 0) return;
    const auto start = static_cast<off_t>(offset - skipped_);
    address_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.descriptor, start);
    if (address_ == MAP_FAILED) throw Error("OUT_OF_MEMORY", path + ": cannot be mapped (" + systemError() + ")");
  }
  ~Mapping() {
    if (address_ != nullptr && address_ != MAP_FAILED) ::munmap(address_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return static_cast<char*>(address_) + skipped_; }

 private:
  void* address_ = nullptr;
  size_t size_ = 0, skipped_ = 0;
};

// start: of the range in the mapping.
c10::Storage storageOverMapping(const std::shared_ptr<Mapping>& mapping, uint64_t start, uint64_t bytes) {
  using Owner = std::shared_ptr<Mapping>;
  c10::DataPtr data(
      mapping->data() + start, new Owner(mapping), [](void* owner) { delete static_cast<Owner*>(owner); }, at::kCPU);
  return c10::Storage(c10::Storage::use_byte_size_t(), bytes, std::move(data), nullptr, /*resizable=*/false);
}

c10::Storage emptyStorage(uint64_t bytes) {
  return at::empty({static_cast<int64_t>(bytes)}, at::TensorOptions(at::kByte)).storage();
}

c10::Storage copiedStorage(std::string_view bytes) {
  c10::Storage storage = emptyStorage(bytes.size());
  if (!bytes.empty()) std::memcpy(storage.mutable_data(), bytes.data(), bytes.size());
  return storage;
}

c10::Storage storageFromFile(const std::string& path, const File& file, const StorageRange& range) {
  c10::Storage storage = emptyStorage(range.bytes);
  auto* out = static_cast<char*>(storage.mutable_data());
  for (uint64_t done = 0; done < range.bytes;) {
    const ssize_t count =
        ::pread(file.descriptor, out + done, range.bytes - done, static_cast<off_t>(range.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error("FILE_INVALID", path + ": cannot be read (" + systemError() + ")");
    if (count == 0) throw Error("FILE_TRUNCATED", path + ": ended while it was read");
    done += static_cast<uint64_t>(count);
  }
  return storage;
}

void checkRange(const std::string& path, const StorageRange& range, uint64_t file_size) {
  if (range.memory || (range.offset <= file_size && range.bytes <= file_size - range.offset)) return;
  throw Error("FILE_TRUNCATED", path + ": a tensor's bytes lie outside of the file",
              "a range within " + std::to_string(file_size) + " bytes",
              std::to_string(range.bytes) + " bytes from " + std::to_string(range.offset));
}

std::vector<int64_t> contiguousStrides(const std::vector<int64_t>& shape, bool& overflow) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    overflow |= __builtin_mul_overflow(stride, std::max<int64_t>(shape[i], 1), &stride);
  }
  return strides;
}

// Bytes of storage that a tensor reaches, from the storage's start.
uint64_t bytesReached(const StoredTensor& tensor, const std::vector<int64_t>& strides, bool& overflow) {
  int64_t last = tensor.offset, elements = 1;
  for (size_t i = 0; i < tensor.shape.size(); i++) {
    int64_t step = 0;
    overflow |= __builtin_mul_overflow(elements, tensor.shape[i], &elements);
    overflow |= __builtin_mul_overflow(std::max<int64_t>(tensor.shape[i] - 1, 0), strides[i], &step);
    overflow |= __builtin_add_overflow(last, step, &last);
  }
  int64_t bytes = 0;
  const auto width = static_cast<int64_t>(c10::elementSize(tensor.dtype));
  overflow |= __builtin_mul_overflow(elements, width, &bytes);
  overflow |= __builtin_add_overflow(last, 1, &last);
  overflow |= __builtin_mul_overflow(elements == 0 ? 0 : last, width, &bytes);
  return static_cast<uint64_t>(bytes);
}

at::Tensor tensorOver(const std::string& path, const std::vector<c10::Storage>& storages, const StoredTensor& stored) {
  const auto negative = [](int64_t n) { return n < 0; };
  bool bad = stored.storage >= storages.size() || stored.offset < 0 ||
             std::any_of(stored.shape.begin(), stored.shape.end(), negative);
  const std::vector<int64_t> strides = stored.strides ? *stored.strides : contiguousStrides(stored.shape, bad);
  bad = bad || strides.size() != stored.shape.size() || std::any_of(strides.begin(), strides.end(), negative);
  const uint64_t reached = bad ? 0 : bytesReached(stored, strides, bad);
  if (bad) throw Error("FILE_INVALID", path + ": a tensor's shape, strides or offset are negative or too large");
  const c10::Storage& storage = storages[stored.storage];
  if (reached > storage.nbytes())
    throw Error("FILE_TRUNCATED", path + ": a tensor is larger than the bytes it names",
                std::to_string(reached) + " bytes", std::to_string(storage.nbytes()));
  return at::empty({0}, at::TensorOptions(stored.dtype)).set_(storage, stored.offset, stored.shape, strides);
}

std::vector<at::Tensor> tensorsOver(const std::string& path, const std::vector<c10::Storage>& storages,
                                    const std::vector<StoredTensor>& tensors) {
  std::vector<at::Tensor> result;
  result.reserve(tensors.size());
  for (const auto& tensor : tensors) result.push_back(tensorOver(path, storages, tensor));
  return result;
}

// The widest element that tensors read from each storage: what its address must be a multiple of.
std::vector<size_t> alignments(size_t storages, const std::vector<StoredTensor>& tensors) {
  std::vector<size_t> widths(storages, 1);
  for (const auto& tensor : tensors)
    if (tensor.storage < storages)
      widths[tensor.storage] = std::max(widths[tensor.storage], c10::elementSize(tensor.dtype));
  return widths;
}

}  // namespace

namespace {

// Opens the file, makes a storage of each range with `storageOf(file, range, widest element)`, and tensors over these.
template <class StorageOf>
std::vector<at::Tensor> tensorsWith(const StorageOf& storageOf, const std::string& path, uint64_t file_size,
                                    const std::vector<StorageRange>& ranges, const std::vector<StoredTensor>& tensors) {
  const auto file = openChecked(path, file_size);
  const std::vector<size_t> widths = alignments(ranges.size(), tensors);
  std::vector<c10::Storage> storages;
  storages.reserve(ranges.size());
  for (size_t i = 0; i < ranges.size(); i++) {
    checkRange(path, ranges[i], file_size);
    storages.push_back(ranges[i].memory ? copiedStorage(*ranges[i].memory) : storageOf(*file, ranges[i], widths[i]));
  }
  return tensorsOver(path, storages, tensors);
}

bool isMappable(const StorageRange& range, size_t width) { return range.bytes > 0 && range.offset % width == 0; }

}  // namespace

std::vector<at::Tensor> mapTensors(const std::string& path, uint64_t file_size, const std::vector<StorageRange>& ranges,
                                   const std::vector<StoredTensor>& tensors) {
  std::shared_ptr<Mapping> whole;
  const auto storageOf = [&](const File& file, const StorageRange& range, size_t width) {
    if (!isMappable(range, width)) return storageFromFile(path, file, range);
    if (!whole) whole = std::make_shared<Mapping>(path, file, 0, file_size);
    return storageOverMapping(whole, range.offset, range.bytes);
  };
  return tensorsWith(storageOf, path, file_size, ranges, tensors);
}

std::vector<at::Tensor> mapLargeTensors(const std::string& path, uint64_t file_size,
                                        const std::vector<StorageRange>& ranges,
                                        const std::vector<StoredTensor>& tensors) {
  const auto storageOf = [&](const File& file, const StorageRange& range, size_t width) {
    if (range.bytes < kSmallestMapped || !isMappable(range, width)) return storageFromFile(path, file, range);
    return storageOverMapping(std::make_shared<Mapping>(path, file, range.offset, range.bytes), 0, range.bytes);
  };
  return tensorsWith(storageOf, path, file_size, ranges, tensors);
}

std::vector<at::Tensor> readTensors(const std::string& path, uint64_t file_size,
                                    const std::vector<StorageRange>& ranges, const std::vector<StoredTensor>& tensors) {
  const auto storageOf = [&](const File& file, const StorageRange& range, size_t) {
    return storageFromFile(path, file, range);
  };
  return tensorsWith(storageOf, path, file_size, ranges, tensors);
}

namespace {

// A file under a temporary name, removed again unless it is given its real one.
class PendingFile {
 public:
  explicit PendingFile(const std::string& path)
      : path_(path), temporary_(temporaryName(path)), file_(temporary_, O_WRONLY | O_CREAT | O_EXCL) {
    if (file_.descriptor < 0) fail();
  }
  ~PendingFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t count = ::write(file_.descriptor, data, std::min(size, size_t{1} << 30));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      data += count;
      size -= static_cast<size_t>(count);
    }
  }

  void commit() {
    if (::fsync(file_.descriptor) != 0 || file_.close() != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
      fail();
    committed_ = true;
    // The new name is in the folder's own data; some file systems cannot flush a folder, and then nothing is lost.
    const auto folder = std::filesystem::path(path_).parent_path();
    const File parent(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
    if (parent.descriptor >= 0) ::fsync(parent.descriptor);
  }

 private:
  static std::string temporaryName(const std::string& path) {
    // In a container every life of a process may have the same number: what a killed one left must not be in the way.
    char mark[9];
    std::snprintf(mark, sizeof mark, "%08x", std::random_device()());
    return path + "." + std::to_string(::getpid()) + "." + mark + ".tmp";
  }
  [[noreturn]] void fail() { throw Error("FILE_WRITE_FAILED", path_ + ": cannot be written (" + systemError() + ")"); }

  std::string path_, temporary_;
  File file_;
  bool committed_ = false;
};

at::Tensor dense(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || tensor.is_quantized())
    throw Error("INVALID_OPTION", "only dense tensors can be written to a file", "layout strided", tensor.toString());
  return tensor.detach().resolve_conj().resolve_neg().to(at::kCPU).contiguous();
}

}  // namespace

void writeTensorFile(const std::string& path, std::string_view prefix, const std::vector<at::Tensor>& tensors) {
  PendingFile file(path);
  file.write(prefix.data(), prefix.size());
  for (const auto& tensor : tensors) {
    const at::Tensor contiguous = dense(tensor);
    file.write(static_cast<const char*>(contiguous.const_data_ptr()), contiguous.nbytes());
  }
  file.commit();
}

}  // namespace eegtorch
