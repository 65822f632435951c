// libFuzzer target: check_proxy_header(bytes) on any bytes.
#include <cstdint>

#include "core/base/verify.hpp"
#include "tests/fuzz/proxy_header_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    VERIFY(core::net::fuzz::check_proxy_header(bytes).empty());
    return 0;
}
