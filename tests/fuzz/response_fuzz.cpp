// libFuzzer target: check_response of round_trip.hpp on any bytes, as the answer to GET and to HEAD.
#include "core/base/verify.hpp"
#include "tests/fuzz/round_trip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    VERIFY(core::http::fuzz::check_response(bytes, "GET").empty());
    VERIFY(core::http::fuzz::check_response(bytes, "HEAD").empty());
    return 0;
}
