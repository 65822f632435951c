#include "core/http/own_request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/http/fields.hpp"

namespace core::http {

std::string own_request(std::string_view method, std::string_view target, std::string_view host,
                        std::span<const std::string> headers,
                        std::initializer_list<std::pair<std::string_view, std::string_view>> ours) {
    std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, target, host);
    for (const std::string& header : headers) {
        request += header + "\r\n";
    }
    for (const auto& [name, value] : ours) {
        const bool given = std::ranges::any_of(headers, [&name = name](std::string_view header) {
            return equals_ignoring_case(header.substr(0, header.find(':')), name);
        });
        if (!given) {
            request += fmt::format("{}: {}\r\n", name, value);
        }
    }
    return request + "Connection: close\r\n\r\n";
}

}  // namespace core::http
