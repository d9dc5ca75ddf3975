// Windows in the file of a store: records of one size at places that lib/store has read from its tree. Read with pread
// and not through a mapping, so that a file that gets shorter, or a disk that fails, is an error and no signal.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eegtorch {

// How samples are kept; see lib/store/samples.ts.
enum class SampleType { kFloat32, kFloat16, kInt16 };

// Throws Error UNKNOWN_NAME.
SampleType sampleTypeFromName(const std::string& name);

struct WindowFileLayout {
  std::string path;
  uint64_t file_size = 0;  // the size that the places were checked against
  SampleType type = SampleType::kFloat32;
  int64_t channels = 0, samples = 0;
  std::vector<uint64_t> offsets;    // of each window's record, in bytes
  std::vector<uint32_t> checksums;  // CRC-32 of each record
};

class WindowFile {
 public:
  // Throws Error FILE_NOT_FOUND, FILE_TRUNCATED, FILE_INVALID for places outside of the file.
  explicit WindowFile(WindowFileLayout layout);
  ~WindowFile();
  WindowFile(const WindowFile&) = delete;
  WindowFile& operator=(const WindowFile&) = delete;

  int64_t length() const { return static_cast<int64_t>(layout_.offsets.size()); }
  int64_t channels() const { return layout_.channels; }
  int64_t samples() const { return layout_.samples; }

  // One window, (channels, samples), to `out`; `scratch` is memory to work in, kept from call to call. Checks a
  // record's sum when it is read for the first time. Throws Error FILE_INVALID, FILE_TRUNCATED.
  void read(int64_t window, float* out, std::vector<char>& scratch) const;

 private:
  void readRecord(int64_t window, char* out) const;
  void checkRecord(int64_t window, const char* record) const;

  WindowFileLayout layout_;
  size_t record_bytes_ = 0;
  int descriptor_ = -1;
  std::unique_ptr<std::atomic<bool>[]> checked_;
};

}  // namespace eegtorch
