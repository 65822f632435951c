// libFuzzer target: check_calendar(text) of calendar_checks.hpp on any bytes.
#include <cstdint>
#include <cstdio>

#include "core/base/verify.hpp"
#include "tests/fuzz/calendar_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto trouble = appliance::guard::check_calendar({reinterpret_cast<const char*>(data), size});
    if (!trouble.empty()) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(trouble.size()), trouble.data());
    }
    VERIFY(trouble.empty());
    return 0;
}
