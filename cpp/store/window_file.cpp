#include "store/window_file.h"

#include <c10/util/Half.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "store/crc32.h"

namespace eegtorch {

namespace {

std::string systemError() { return std::strerror(errno); }

// float32 has no scales; the others begin with one float32 for each channel.
bool isScaled(SampleType type) { return type != SampleType::kFloat32; }

size_t recordBytes(const WindowFileLayout& layout) {
  const auto channels = static_cast<uint64_t>(layout.channels), samples = static_cast<uint64_t>(layout.samples);
  uint64_t values = 0, bytes = 0;
  bool overflow = layout.channels < 1 || layout.samples < 1;
  overflow |= __builtin_mul_overflow(channels, samples, &values);
  overflow |= __builtin_mul_overflow(values, isScaled(layout.type) ? 2 : 4, &bytes);
  if (isScaled(layout.type)) overflow |= __builtin_add_overflow(bytes, channels * sizeof(float), &bytes);
  if (overflow) throw Error("FILE_INVALID", layout.path + ": the shape of its windows is not usable");
  return bytes;
}

template <class Stored>
void unscale(const char* record, int64_t channels, int64_t samples, float* out) {
  const char* values = record + channels * static_cast<int64_t>(sizeof(float));
  for (int64_t channel = 0; channel < channels; channel++) {
    float scale;
    std::memcpy(&scale, record + channel * static_cast<int64_t>(sizeof(float)), sizeof scale);
    const char* from = values + channel * samples * static_cast<int64_t>(sizeof(Stored));
    float* to = out + channel * samples;
    for (int64_t i = 0; i < samples; i++) {
      Stored stored;
      std::memcpy(&stored, from + i * static_cast<int64_t>(sizeof(Stored)), sizeof stored);
      to[i] = static_cast<float>(stored) * scale;
    }
  }
}

}  // namespace

SampleType sampleTypeFromName(const std::string& name) {
  if (name == "float32") return SampleType::kFloat32;
  if (name == "float16") return SampleType::kFloat16;
  if (name == "int16") return SampleType::kInt16;
  throw Error("UNKNOWN_NAME", "no type of samples is called " + name, "float32, float16 or int16", name);
}

WindowFile::WindowFile(WindowFileLayout layout) : layout_(std::move(layout)), record_bytes_(recordBytes(layout_)) {
  if (layout_.checksums.size() != layout_.offsets.size())
    throw Error("INTERNAL", "a store needs a checksum for each window");
  for (const uint64_t offset : layout_.offsets)
    if (offset > layout_.file_size || record_bytes_ > layout_.file_size - offset)
      throw Error("FILE_TRUNCATED", layout_.path + ": a window lies outside of the file",
                  "a range within " + std::to_string(layout_.file_size) + " bytes",
                  std::to_string(record_bytes_) + " bytes from " + std::to_string(offset));
  descriptor_ = ::open(layout_.path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const std::string reason = systemError();
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Error("FILE_NOT_FOUND", layout_.path + ": cannot be opened (" + reason + ")");
  }
  if (static_cast<uint64_t>(status.st_size) < layout_.file_size) {
    ::close(descriptor_);
    throw Error("FILE_TRUNCATED", layout_.path + ": its size changed while it was read",
                std::to_string(layout_.file_size) + " bytes", std::to_string(status.st_size));
  }
  checked_ = std::make_unique<std::atomic<bool>[]>(layout_.offsets.size());
}

WindowFile::~WindowFile() { ::close(descriptor_); }

void WindowFile::read(int64_t window, float* out, std::vector<char>& scratch) const {
  if (layout_.type == SampleType::kFloat32) {
    auto* record = reinterpret_cast<char*>(out);
    readRecord(window, record);
    checkRecord(window, record);
    return;
  }
  scratch.resize(record_bytes_);
  readRecord(window, scratch.data());
  checkRecord(window, scratch.data());
  if (layout_.type == SampleType::kInt16)
    unscale<int16_t>(scratch.data(), layout_.channels, layout_.samples, out);
  else
    unscale<c10::Half>(scratch.data(), layout_.channels, layout_.samples, out);
}

void WindowFile::readRecord(int64_t window, char* out) const {
  const uint64_t offset = layout_.offsets.at(static_cast<size_t>(window));
  for (size_t done = 0; done < record_bytes_;) {
    const ssize_t count = ::pread(descriptor_, out + done, record_bytes_ - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error("FILE_INVALID", layout_.path + ": cannot be read (" + systemError() + ")");
    if (count == 0) throw Error("FILE_TRUNCATED", layout_.path + ": ended while it was read");
    done += static_cast<size_t>(count);
  }
}

void WindowFile::checkRecord(int64_t window, const char* record) const {
  auto& checked = checked_[static_cast<size_t>(window)];
  if (checked.load(std::memory_order_relaxed)) return;
  if (crc32(record, record_bytes_) != layout_.checksums[static_cast<size_t>(window)])
    throw Error("FILE_INVALID",
                layout_.path + ": the samples of window " + std::to_string(window) + " are damaged (wrong checksum)");
  checked.store(true, std::memory_order_relaxed);
}

}  // namespace eegtorch
