// HelperClient's requests about redirects.
#include <algorithm>

#include "netfilter/client/helper_client.hpp"
#include "netfilter/protocol/redirect_protocol.hpp"

namespace netfilter {

core::Result<RedirectState> HelperClient::put_redirects(std::span<const Redirect> redirects, Forward forward) {
    if (auto valid = validate(redirects); !valid) {
        return tl::unexpected(valid.error());
    }
    const auto deadline = Clock::now() + timeout_;
    const auto items = wire::pack_redirects(redirects, forward);
    auto request = make_request(static_cast<std::uint8_t>(wire::Kind::redirect));
    std::span<const wire::RedirectItem> left(items);
    do {
        const auto part = left.first(std::min(left.size(), wire::redirect_items_max));
        left = left.subspan(part.size());
        request.last = left.empty() ? 1 : 0;
        wire::put_items(part, request);
        if (auto sent = send(request, deadline); !sent) {
            return tl::unexpected(sent.error());
        }
    } while (!left.empty());
    std::vector<wire::RedirectItem> answer;
    const Take take = [&answer](const wire::Reply& reply) -> core::Result<void> {
        const auto more = wire::take_items(reply);
        answer.insert(answer.end(), more.begin(), more.end());
        return {};
    };
    if (auto received = receive(request, deadline, take); !received) {
        return tl::unexpected(received.error());
    }
    return wire::unpack_state(answer);
}

core::Result<std::uint64_t> HelperClient::count_redirected(const Destination& destination) {
    const auto deadline = Clock::now() + timeout_;
    auto request = make_request(static_cast<std::uint8_t>(wire::Kind::count_flows));
    request.items.front() = wire::pack(destination);
    request.count = 1;
    std::uint64_t count = 0;
    const Take take = [&count](const wire::Reply& reply) -> core::Result<void> {
        count = wire::unpack_reaped(reply).forwarded;
        return {};
    };
    return send(request, deadline).and_then([&] { return receive(request, deadline, take); }).map([&count] {
        return count;
    });
}

}  // namespace netfilter
