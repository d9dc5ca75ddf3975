// One error type for everything that eegtorch's C++ refuses; binding/ turns it into an EegTorchError.
#pragma once

#include <stdexcept>
#include <string>

namespace eegtorch {

class Error : public std::runtime_error {
 public:
  // code: a member of ErrorCode in lib/errors.ts, such as "SHAPE_MISMATCH".
  // option: the config field at fault, as C++ spells it.
  Error(std::string code, const std::string& what, std::string expected = "", std::string received = "",
        std::string option = "")
      : std::runtime_error(what),
        code(std::move(code)),
        expected(std::move(expected)),
        received(std::move(received)),
        option(std::move(option)) {}

  std::string code, expected, received, option;
};

}  // namespace eegtorch
