// libFuzzer target: check_text(bytes) and check_broken(bytes) of message_checks.hpp.
#include <cstdint>
#include <cstdio>
#include <span>

#include "core/base/verify.hpp"
#include "tests/fuzz/message_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const auto& trouble : {appliance::fuzz::check_text({reinterpret_cast<const char*>(data), size}).trouble,
                                appliance::fuzz::check_broken({reinterpret_cast<const std::byte*>(data), size})}) {
        if (!trouble.empty()) {
            std::fprintf(stderr, "%.*s\n", static_cast<int>(trouble.size()), trouble.data());
        }
        VERIFY(trouble.empty());
    }
    return 0;
}
