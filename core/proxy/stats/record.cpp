#include "core/proxy/stats/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/base/duration.hpp"
#include "core/base/log.hpp"

namespace core::proxy {
namespace {

template <std::size_t Size>
std::uint8_t copy_cut(std::array<char, Size>& to, std::string_view from) noexcept {
    const std::size_t size = std::min(from.size(), Size);
    std::copy_n(from.begin(), size, to.begin());
    return static_cast<std::uint8_t>(size);
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
    if (!text.empty()) {
        fmt::format_to(std::back_inserter(out), ",\"{}\":\"", name);
        base::append_json(out, text);
        out += '"';
    }
}

}  // namespace

void Record::request(std::string_view method, std::string_view target) noexcept {
    method_size_ = copy_cut(method_, method);
    target_size_ = copy_cut(target_, target);
}

void Record::identify(std::string_view id) noexcept {
    id_size_ = copy_cut(id_, id);
}

void Record::print(std::string& out, const Address& client, const Address& peer, io::Tick now) const {
    const auto wall = base::wall_now();
    const auto millis = wall.time_since_epoch().count() % 1000;
    const std::string second = base::print_time(wall);
    fmt::format_to(std::back_inserter(out), R"({{"time":"{}.{:03}Z","event":"{}","client":"{}")",
                   std::string_view(second).substr(0, second.size() - 1), millis,
                   method_size_ > 0 ? "exchange" : "relay", client.port() == 0 ? client.host() : client.text());
    append_text(out, "peer", client == peer ? std::string() : peer.text());
    append_text(out, "id", id());
    append_text(out, "listener", listener);
    append_text(out, "pool", pool);
    append_text(out, "backend", backend);
    append_text(out, "method", {method_.data(), method_size_});
    append_text(out, "path", {target_.data(), target_size_});
    if (status != 0) {
        fmt::format_to(std::back_inserter(out), ",\"status\":{}", status);
    }
    fmt::format_to(std::back_inserter(out), ",\"received\":{},\"sent\":{}", received, sent);
    if (queued != 0) {
        fmt::format_to(std::back_inserter(out), ",\"queue_ms\":{}", queued);
    }
    if (connected != 0) {
        fmt::format_to(std::back_inserter(out), ",\"connect_ms\":{}", connected - begun_);
    }
    if (answered != 0) {
        fmt::format_to(std::back_inserter(out), ",\"first_byte_ms\":{}", answered - begun_);
    }
    fmt::format_to(std::back_inserter(out), ",\"total_ms\":{},\"retries\":{}", now - begun_, retries);
    append_text(out, "mover", spliced ? "splice" : "copy");
    append_text(out, "answered_by", answered_by);
    append_text(out, "error", error);
    if (!refused.empty()) {
        out += ",\"refused\":";
        out += refused;
    }
    out += "}\n";
}

}  // namespace core::proxy
