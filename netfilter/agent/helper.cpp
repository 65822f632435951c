#include "netfilter/agent/helper.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "netfilter/agent/redirect_desk.hpp"
#include "netfilter/agent/watch.hpp"
#include "netfilter/firewall/host_firewall.hpp"
#include "netfilter/protocol/firewall_protocol.hpp"
#include "netfilter/protocol/helper_protocol.hpp"

namespace netfilter {
namespace {

class Server {
public:
    Server(int link, FenceManager& manager, const AllowRedirects& allow)
        : link_(link),
          manager_(manager),
          firewall_(manager.kernel()),
          desk_(manager.kernel(), allow),
          watch_(link, manager, desk_) {}

    core::Result<void> run() {
        if (auto begun = watch_.begin(); !begun) {
            return begun;
        }
        for (;;) {
            if (auto waited = watch_.wait(); !waited) {
                return waited;
            }
            // MSG_TRUNC returns the packet's real size, which shows a packet that is too long.
            const auto size = recv(link_, &request_, sizeof request_, MSG_TRUNC);
            if (size == 0 || (size < 0 && errno == ECONNRESET)) {
                return {};
            }
            if (size < 0 && errno == EINTR) {
                continue;
            }
            if (size < 0) {
                return core::fail_os("cannot read requests for fences", errno);
            }
            if (size != sizeof request_ || !wire::well_formed(request_)) {
                return core::fail("cannot read requests for fences", "the peer speaks another language",
                                  "run control and the fence process from the same binary");
            }
            if (auto answered = answer(); !answered) {
                // EPIPE: the peer closed while we answered. That counts as an orderly end.
                return answered.error().os_error == EPIPE ? core::Result<void>() : answered;
            }
        }
    }

private:
    core::Result<void> answer() {
        switch (static_cast<wire::Kind>(request_.kind)) {
            case wire::Kind::ping:
                return send(make_reply());
            case wire::Kind::apply:
                return apply();
            case wire::Kind::list:
                return list();
            case wire::Kind::describe:
                return describe();
            case wire::Kind::reap:
                return reap();
            case wire::Kind::firewall:
                return keep_firewall();
            case wire::Kind::redirect:
                return redirect();
            case wire::Kind::count_flows:
                return count_flows();
            case wire::Kind::capabilities:
                return send_text(manager_.kernel().capabilities().text());
        }
        return {};
    }

    // Collects the packets of a batch. A new id begins a new batch, because its sender has abandoned the old one.
    core::Result<void> apply() {
        if (batch_id_ != request_.id) {
            batch_id_ = request_.id;
            changes_.clear();
            trouble_.reset();
        }
        for (std::size_t i = 0; i < request_.count && !trouble_; ++i) {
            auto change = wire::unpack(request_.items.at(i));
            if (!change) {
                trouble_ = change.error();
            } else if (changes_.size() >= FenceManager::changes_max) {
                trouble_ = core::Error{"cannot change the fences", "too many changes at once", "use smaller batches"};
            } else {
                changes_.push_back(std::move(*change));
            }
        }
        if (request_.last == 0) {
            return {};
        }
        batch_id_.reset();
        if (!trouble_) {
            for (auto& change : changes_) {
                if (auto* fence = std::get_if<Fence>(&change)) {
                    wire::set_clock(*fence, request_.clock, core::base::wall_offset());
                }
            }
            if (const auto done = manager_.apply(changes_); !done) {
                trouble_ = done.error();
            }
        }
        changes_.clear();
        auto reply = make_reply();
        if (trouble_) {
            wire::pack_error(*trouble_, reply);
        }
        return send(reply);
    }

    core::Result<void> list() {
        const core::Milliseconds clock = core::base::wall_offset();
        const auto fences = manager_.list();
        if (!fences) {
            return send_error(fences.error());
        }
        std::size_t sent = 0;
        do {
            auto reply = make_reply();
            const auto count = std::min(wire::items_max, fences->size() - sent);
            for (std::size_t i = 0; i < count; ++i) {
                reply.items.at(i) = wire::pack((*fences)[sent + i]);
            }
            sent += count;
            reply.count = static_cast<std::uint32_t>(count);
            reply.clock = clock.count();
            reply.last = sent == fences->size() ? 1 : 0;
            if (auto done = send(reply); !done) {
                return done;
            }
        } while (sent < fences->size());
        return {};
    }

    core::Result<void> describe() {
        auto text = manager_.rules_text();
        const auto host = firewall_.text();
        const auto redirects = desk_.text();
        if (!text || !host || !redirects) {
            return send_error(!text ? text.error() : !host ? host.error() : redirects.error());
        }
        return send_text(*text + *host + *redirects);
    }

    core::Result<void> send_text(const std::string& text) {
        std::size_t sent = 0;
        do {
            auto reply = make_reply();
            const auto count = text.copy(reply.text.data(), wire::text_max, sent);
            sent += count;
            reply.count = static_cast<std::uint32_t>(count);
            reply.last = sent == text.size() ? 1 : 0;
            if (auto done = send(reply); !done) {
                return done;
            }
        } while (sent < text.size());
        return {};
    }

    core::Result<std::vector<Destination>> destinations(const char* what) const {
        std::vector<Destination> all;
        for (std::size_t i = 0; i < request_.count; ++i) {
            const auto change = wire::unpack(request_.items.at(i));
            const auto* named = change ? std::get_if<Unfence>(&*change) : nullptr;
            if (named == nullptr) {
                return core::fail(what, "no backend is named");
            }
            all.push_back({named->backend, named->protocol});
        }
        return all;
    }

    core::Result<void> reap() {
        return send_flows(destinations("cannot end established connections").and_then([this](const auto& all) {
            return manager_.reap(all);
        }));
    }

    core::Result<void> count_flows() {
        return send_flows(destinations("cannot count established connections")
                              .and_then([this](const auto& all) -> core::Result<Reaped> {
                                  Reaped found;
                                  for (const auto& each : all) {
                                      const auto count = manager_.kernel().count_redirected(each);
                                      if (!count) {
                                          return tl::unexpected(count.error());
                                      }
                                      found.forwarded += *count;
                                  }
                                  return found;
                              }));
    }

    core::Result<void> send_flows(const core::Result<Reaped>& flows) {
        if (!flows) {
            return send_error(flows.error());
        }
        auto reply = make_reply();
        wire::pack_reaped(*flows, reply);
        return send(reply);
    }

    core::Result<void> keep_firewall() {
        const auto order = wire::unpack_firewall(request_);
        if (!order) {
            return send_error(order.error());
        }
        wire::FirewallReply answer;
        core::Result<void> done;
        switch (order->action) {
            case wire::FirewallAction::put:
                done = firewall_.put(order->rules).map([&answer](bool changed) { answer.changed = changed; });
                break;
            case wire::FirewallAction::remove:
                done = firewall_.remove().map([&answer](bool changed) { answer.changed = changed; });
                break;
            case wire::FirewallAction::look:
                done = firewall_.drops().map([&answer](const auto& drops) { answer.drops = drops; });
                break;
        }
        if (!done) {
            return send_error(done.error());
        }
        auto reply = make_reply();
        wire::pack_firewall(answer, reply);
        return send(reply);
    }

    core::Result<void> redirect() {
        const auto state = desk_.take(request_);
        if (!state || !*state) {
            return state ? core::Result<void>() : send_error(state.error());
        }
        const auto items = wire::pack_state(**state);
        std::span<const wire::RedirectItem> left(items);
        do {
            const auto part = left.first(std::min(left.size(), wire::redirect_items_max));
            left = left.subspan(part.size());
            auto reply = make_reply();
            reply.last = left.empty() ? 1 : 0;
            wire::put_items(part, reply);
            if (auto sent = send(reply); !sent) {
                return sent;
            }
        } while (!left.empty());
        return {};
    }

    [[nodiscard]] wire::Reply make_reply() const {
        wire::Reply reply{};
        reply.magic = wire::magic;
        reply.kind = request_.kind;
        reply.last = 1;
        reply.id = request_.id;
        return reply;
    }

    core::Result<void> send_error(const core::Error& error) {
        auto reply = make_reply();
        wire::pack_error(error, reply);
        return send(reply);
    }

    core::Result<void> send(const wire::Reply& reply) {
        while (::send(link_, &reply, sizeof reply, MSG_NOSIGNAL) < 0) {
            if (errno == EPIPE || errno == ECONNRESET) {
                return core::fail_os("cannot answer control", EPIPE);
            }
            if (errno != EINTR) {
                return core::fail_os("cannot answer control", errno);
            }
        }
        return {};
    }

    int link_;
    FenceManager& manager_;
    HostFirewall firewall_;
    RedirectDesk desk_;
    Watch watch_;
    wire::Request request_{};
    std::optional<std::uint64_t> batch_id_;
    std::vector<Change> changes_;
    std::optional<core::Error> trouble_;
};

}  // namespace

core::Result<void> serve(int link, FenceManager& manager, const AllowRedirects& allow) {
    return Server(link, manager, allow).run();
}

}  // namespace netfilter
