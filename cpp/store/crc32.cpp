#include "store/crc32.h"

#include <array>
#include <cstring>

namespace eegtorch {

namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;
// Bytes taken at once, each through a table of its own ("slicing", Kounavis and Berry 2008).
constexpr size_t kSlices = 16;
using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

constexpr Tables makeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; bit++) remainder = (remainder >> 1) ^ ((remainder & 1) ? kPolynomial : 0);
    tables[0][byte] = remainder;
  }
  for (size_t slice = 1; slice < kSlices; slice++)
    for (size_t byte = 0; byte < 256; byte++) {
      const uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  return tables;
}

constexpr Tables kTables = makeTables();

}  // namespace

uint32_t crc32(const void* bytes, size_t size) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  uint32_t remainder = 0xFFFFFFFF;
  for (; size >= kSlices; size -= kSlices, at += kSlices) {
    unsigned char block[kSlices];
    uint32_t first = 0;
    std::memcpy(block, at, kSlices);
    std::memcpy(&first, block, sizeof first);
    first ^= remainder;
    std::memcpy(block, &first, sizeof first);
    remainder = 0;
    for (size_t i = 0; i < kSlices; i++) remainder ^= kTables[kSlices - 1 - i][block[i]];
  }
  for (; size > 0; size--, at++) remainder = (remainder >> 8) ^ kTables[0][(remainder ^ *at) & 0xFF];
  return ~remainder;
}

}  // namespace eegtorch
