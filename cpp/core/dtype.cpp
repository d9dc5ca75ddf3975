#include "core/dtype.h"

#include <array>
#include <utility>

#include "core/error.h"

namespace eegtorch {

namespace {

using Dtype = at::ScalarType;
constexpr std::array<std::pair<const char*, Dtype>, 25> kDtypes{{
    {"float32", Dtype::Float},
    {"float64", Dtype::Double},
    {"float16", Dtype::Half},
    {"bfloat16", Dtype::BFloat16},
    {"uint8", Dtype::Byte},
    {"int8", Dtype::Char},
    {"int16", Dtype::Short},
    {"int32", Dtype::Int},
    {"int64", Dtype::Long},
    {"uint16", Dtype::UInt16},
    {"uint32", Dtype::UInt32},
    {"uint64", Dtype::UInt64},
    {"bool", Dtype::Bool},
    {"complex32", Dtype::ComplexHalf},
    {"complex64", Dtype::ComplexFloat},
    {"complex128", Dtype::ComplexDouble},
    {"float8_e4m3fn", Dtype::Float8_e4m3fn},
    {"float8_e5m2", Dtype::Float8_e5m2},
    {"float8_e4m3fnuz", Dtype::Float8_e4m3fnuz},
    {"float8_e5m2fnuz", Dtype::Float8_e5m2fnuz},
    {"float8_e8m0fnu", Dtype::Float8_e8m0fnu},
    {"qint8", Dtype::QInt8},
    {"quint8", Dtype::QUInt8},
    {"qint32", Dtype::QInt32},
    {"float4_e2m1fn_x2", Dtype::Float4_e2m1fn_x2},
}};

constexpr std::array<std::pair<const char*, at::Layout>, 7> kLayouts{{
    {"strided", at::kStrided},
    {"sparse_coo", at::kSparse},
    {"sparse_csr", at::kSparseCsr},
    {"sparse_csc", at::kSparseCsc},
    {"sparse_bsr", at::kSparseBsr},
    {"sparse_bsc", at::kSparseBsc},
    {"mkldnn", at::kMkldnn},
}};

constexpr std::array<std::pair<const char*, at::MemoryFormat>, 4> kMemoryFormats{{
    {"contiguous", at::MemoryFormat::Contiguous},
    {"preserve", at::MemoryFormat::Preserve},
    {"channels_last", at::MemoryFormat::ChannelsLast},
    {"channels_last_3d", at::MemoryFormat::ChannelsLast3d},
}};

template <class Table>
auto byName(const Table& table, const std::string& name, const char* what) {
  std::string known;
  for (const auto& [key, value] : table) {
    if (name == key) return value;
    known += known.empty() ? key : std::string(", ") + key;
  }
  throw Error("UNKNOWN_NAME", std::string("no ") + what + " is called '" + name + "'", known, "'" + name + "'");
}

template <class Table, class Value>
std::string nameOf(const Table& table, Value value, const char* fallback) {
  for (const auto& [key, known] : table)
    if (known == value) return key;
  return fallback;
}

}  // namespace

at::ScalarType dtypeFromName(const std::string& name) { return byName(kDtypes, name, "dtype"); }
std::string dtypeName(at::ScalarType dtype) { return nameOf(kDtypes, dtype, c10::toString(dtype)); }

at::Layout layoutFromName(const std::string& name) { return byName(kLayouts, name, "layout"); }
std::string layoutName(at::Layout layout) { return nameOf(kLayouts, layout, "jagged"); }

at::MemoryFormat memoryFormatFromName(const std::string& name) { return byName(kMemoryFormats, name, "memory format"); }

at::Device deviceFromName(const std::string& name) {
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    throw Error("UNKNOWN_NAME", "no device is called '" + name + "'", "cpu, cuda, cuda:N or meta", "'" + name + "'");
  }
}

}  // namespace eegtorch
