// The property of the PROXY header's parser, for the fuzz target and tests/core/net/proxy_header_test.cpp.
#pragma once

#include <string>
#include <string_view>

#include "core/net/proxy_header.hpp"

namespace core::net::fuzz {

// The property that does not hold for bytes, or an empty text. More bytes do not change a verdict. What was parsed and
// written, in either version, parses to the same; except for TLS, which we do not write.
inline std::string_view check_proxy_header(std::string_view bytes) {
    using Verdict = ProxyParse::Verdict;
    ProxyHeader header;
    const ProxyParse whole = parse_proxy_header(bytes, header);
    for (std::size_t cut = 0; cut < bytes.size(); cut += cut < 64 ? 1 : 97) {
        ProxyHeader early_header;
        const ProxyParse early = parse_proxy_header(bytes.substr(0, cut), early_header);
        if (early.verdict == Verdict::bad && whole.verdict != Verdict::bad) {
            return "a valid header was refused at a cut";
        }
        if (early.verdict == Verdict::complete &&
            (whole.verdict != Verdict::complete || whole.consumed != early.consumed || early_header != header)) {
            return "a judgement was taken back";
        }
    }
    if (whole.verdict == Verdict::incomplete && bytes.size() >= proxy_header_max) {
        return "as long as a header may be, and not judged";
    }
    if (whole.verdict != Verdict::complete) {
        return {};
    }
    if (whole.consumed > bytes.size()) {
        return "more was consumed than there was";
    }
    header.tls.reset();
    for (const ProxyVersion version : {ProxyVersion::v1, ProxyVersion::v2}) {
        ProxyBuffer buffer;
        const std::string_view written = write_proxy_header(header, version, buffer);
        ProxyHeader again;
        const ProxyParse result = parse_proxy_header(written, again);
        if (result.verdict != Verdict::complete || result.consumed != written.size() || again != header) {
            return "what was written does not parse to the same";
        }
    }
    return {};
}

}  // namespace core::net::fuzz
