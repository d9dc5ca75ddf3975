#include "store/lmdb_writer.h"

#include <lmdb.h>

#include <utility>

#include "core/error.h"

namespace eegtorch {

namespace {

constexpr size_t kFirstMapSize = size_t{64} << 20;
constexpr size_t kLargestKey = 511;

[[noreturn]] void fail(const std::string& folder, int code) {
  const char* kind = code == MDB_INVALID || code == MDB_CORRUPTED || code == MDB_VERSION_MISMATCH ? "FILE_INVALID"
                                                                                                  : "FILE_WRITE_FAILED";
  throw Error(kind, folder + ": cannot be written (" + mdb_strerror(code) + ")");
}

// A transaction that is taken back unless it is committed.
class Transaction {
 public:
  explicit Transaction(MDB_txn* txn) : txn_(txn) {}
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  MDB_txn* get() const { return txn_; }
  int commit() { return mdb_txn_commit(std::exchange(txn_, nullptr)); }

 private:
  MDB_txn* txn_;
};

MDB_val valueOf(const std::string& bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

}  // namespace

struct LmdbWriter::Environment {
  explicit Environment(const std::string& path) : folder(path) {
    check(mdb_env_create(&env));
    if (const int code = open()) {
      mdb_env_close(env);
      fail(folder, code);
    }
  }
  ~Environment() { mdb_env_close(env); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  void check(int code) const {
    if (code != MDB_SUCCESS) fail(folder, code);
  }

  int open() {
    // The size of the map only grows: at least this, and what the file says.
    if (const int code = mdb_env_set_mapsize(env, kFirstMapSize)) return code;
    return mdb_env_open(env, folder.c_str(), MDB_NOTLS, 0644);
  }

  // MDB_MAP_FULL where the map is too small for them.
  int tryWrite(const std::vector<LmdbEntry>& entries) {
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env, nullptr, 0, &txn);
    if (code == MDB_MAP_RESIZED) {
      // Another process made it larger.
      check(mdb_env_set_mapsize(env, 0));
      code = mdb_txn_begin(env, nullptr, 0, &txn);
    }
    check(code);
    Transaction transaction(txn);
    MDB_dbi dbi;
    check(mdb_dbi_open(txn, nullptr, 0, &dbi));
    for (const auto& entry : entries) {
      MDB_val key = valueOf(entry.key), value = valueOf(entry.value);
      code = mdb_put(txn, dbi, &key, &value, 0);
      if (code == MDB_MAP_FULL) return code;
      check(code);
    }
    code = transaction.commit();
    if (code != MDB_MAP_FULL) check(code);
    return code;
  }

  void grow() {
    MDB_envinfo info;
    check(mdb_env_info(env, &info));
    check(mdb_env_set_mapsize(env, 2 * info.me_mapsize));
  }

  std::string folder;
  MDB_env* env = nullptr;
};

LmdbWriter::LmdbWriter(const std::string& folder) : environment_(std::make_unique<Environment>(folder)) {}

LmdbWriter::~LmdbWriter() = default;

void LmdbWriter::write(const std::vector<LmdbEntry>& entries) {
  const std::lock_guard lock(mutex_);
  if (!environment_) throw Error("USED_AFTER_DISPOSE", "this LMDB writer was used after it was closed");
  for (const auto& entry : entries)
    if (entry.key.empty() || entry.key.size() > kLargestKey)
      throw Error("INVALID_OPTION", environment_->folder + ": a key is not usable", "1 to 511 bytes",
                  std::to_string(entry.key.size()));
  while (environment_->tryWrite(entries) == MDB_MAP_FULL) environment_->grow();
}

void LmdbWriter::close() {
  const std::lock_guard lock(mutex_);
  environment_.reset();
}

}  // namespace eegtorch
