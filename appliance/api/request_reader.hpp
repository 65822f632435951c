// RequestReader: one HTTP request off a wire, with the proxy's own strict parser (core/http). Bodies are taken as they
// are: nothing inflates them, splits them into parts or reads fields out of them. One thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "appliance/api/wire.hpp"
#include "core/http/head.hpp"
#include "core/http/parser.hpp"

namespace appliance::api {

// Why there is no request. status: what to answer; 0: the caller has gone.
struct BadRequest {
    int status = 0;
    std::string what;
    std::string why;
    std::string mend;
};

class RequestReader {
public:
    explicit RequestReader(Wire& wire);

    // Reads to the end of the head. Errors: those of core::http::parse_request, 408.
    tl::expected<void, BadRequest> read_head();
    // The rest of the request, once its head is there; empty where it has no body. Says 100 where the peer waits for
    // it. Errors: 400, 408, 413, 415 (a Content-Encoding other than identity).
    tl::expected<std::string, BadRequest> read_body();

    // Valid once the head is there, as long as the reader lives.
    [[nodiscard]] const core::http::RequestHead& head() const noexcept { return *head_; }
    // The value of a field of the head; empty where it has none.
    [[nodiscard]] std::string field(std::string_view name) const;

private:
    tl::expected<std::string, BadRequest> read_length(std::uint64_t length);
    tl::expected<std::string, BadRequest> read_chunks();
    [[nodiscard]] BadRequest cut_off(bool begun) const;

    Wire& wire_;
    std::array<char, core::http::Limits{}.head> bytes_{};
    std::size_t size_ = 0;
    std::size_t body_begins_ = 0;
    std::unique_ptr<core::http::RequestHead> head_;
};

// What a query says ("?a=b&c=d", or empty), with %XX and + decoded; of a name that stands twice, the first. Error: what
// it says is no UTF-8.
tl::expected<std::map<std::string, std::string>, BadRequest> read_query(std::string_view query);

}  // namespace appliance::api
