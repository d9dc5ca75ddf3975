// CRC-32 of zip and zlib (reflected polynomial 0xEDB88320): what the records of a store are checked by.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eegtorch {

uint32_t crc32(const void* bytes, size_t size);

}  // namespace eegtorch
