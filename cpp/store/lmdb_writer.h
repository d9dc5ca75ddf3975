// Writing LMDB environments, through liblmdb 0.9: the format that Python's `lmdb` reads. Reading is TypeScript's
// (lib/lmdb), which checks what liblmdb would believe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace eegtorch {

struct LmdbEntry {
  std::string key, value;
};

// One environment: a folder with `data.mdb`. Several processes may write to it at the same time; transactions take
// turns.
class LmdbWriter {
 public:
  // folder: is there. Throws Error FILE_WRITE_FAILED, FILE_INVALID for a data.mdb that is none.
  explicit LmdbWriter(const std::string& folder);
  ~LmdbWriter();

  // All entries or none, on disk when it returns; a key that is there gets the new value. Throws Error
  // FILE_WRITE_FAILED for a full disk, INVALID_OPTION for a key that is empty or longer than 511 bytes.
  void write(const std::vector<LmdbEntry>& entries);

  // Frees the file, after the write that may be under way in another thread; later ones throw Error USED_AFTER_DISPOSE.
  void close();

 private:
  struct Environment;
  std::mutex mutex_;  // of environment_: writes take turns, and close with them
  std::unique_ptr<Environment> environment_;
};

}  // namespace eegtorch
