// libFuzzer target: check_configuration(text) of configuration_checks.hpp on any bytes.
#include <cstdint>
#include <cstdio>

#include "core/base/verify.hpp"
#include "tests/fuzz/configuration_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto trouble = appliance::fuzz::check_configuration({reinterpret_cast<const char*>(data), size});
    if (!trouble.empty()) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(trouble.size()), trouble.data());
    }
    VERIFY(trouble.empty());
    return 0;
}
