#include "appliance/api/conversation.hpp"

#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/http/status.hpp"

namespace appliance::api {
namespace {

using Json = nlohmann::ordered_json;

Reply refuse(const BadRequest& bad) {
    const Json body{{"error", {{"what", bad.what}, {"why", bad.why}, {"mend", bad.mend}}}};
    return {bad.status, "application/json", body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

std::string print_head(int status, const Reply& reply, std::string_view length) {
    std::string head = "HTTP/1.1 " + std::to_string(status) + " " + std::string(core::http::reason_phrase(status)) +
                       "\r\nConnection: close\r\nContent-Type: " + reply.type + "\r\n";
    head += length.empty() ? "" : "Content-Length: " + std::string(length) + "\r\n";
    for (const auto& [name, value] : reply.fields) {
        head += name + ": " + value + "\r\n";
    }
    return head + "\r\n";
}

}  // namespace

void Conversation::run() {
    Reply reply;
    if (auto read = reader_.read_head(); read) {
        try {
            reply = answer();
        } catch (const std::exception&) {
            reply = refuse({500, "the request failed", "a fault in gatehouse", ""});
        }
    } else {
        reply = refuse(read.error());
    }
    if (reply.status != 0) {
        reply.stream ? send_stream(reply) : send(reply);
    }
    if (!heard_) {
        wire_.leave_rest();
    }
    // The peer has all of it: the process may end in what follows.
    wire_.end();
    if (reply.then) {
        reply.then();
    }
}

// Before a body is read: a caller without a login may not send one.
tl::expected<Peer, Reply> Conversation::admit_caller() {
    auto peer = entrance_.identify(wire_, reader_.field("Authorization"));
    if (!peer) {
        Reply reply = refuse({401, "authentication failed", "no token or certificate that [access] knows",
                              "give --token-file FILE, or --cert and --key"});
        reply.fields["WWW-Authenticate"] = "Bearer realm=\"gatehouse\"";
        return tl::unexpected(std::move(reply));
    }
    const auto admission = slots_.admit(ticket_, peer->user, peer->role == config::Role::read);
    if (admission == Slots::Admission::taken) {
        return std::move(*peer);
    }
    const bool own = admission == Slots::Admission::name_full;
    Reply reply =
        refuse({503, "cannot answer now", "too many requests at once" + (own ? " of " + peer->user : ""), "try later"});
    reply.fields["Retry-After"] = "1";
    return tl::unexpected(std::move(reply));
}

Reply Conversation::answer() {
    head_only_ = reader_.head().is_head();
    auto peer = admit_caller();
    if (!peer) {
        return std::move(peer.error());
    }
    const core::http::RequestHead& head = reader_.head();
    auto query = read_query(head.query);
    if (!query) {
        return refuse(query.error());
    }
    auto body = reader_.read_body();
    if (!body) {
        return refuse(body.error());
    }
    heard_ = true;
    const bool asks = head.method == "GET" || head_only_;
    Request request{std::string(head.method), std::string(head.path), std::move(*query),
                    asks ? std::string() : std::move(*body), std::move(*peer)};
    request.last_event_id = reader_.field("Last-Event-ID");
    request.respond_async = reader_.field("Prefer").find("respond-async") != std::string::npos;
    return handler_(request);
}

void Conversation::send(const Reply& reply) {
    std::string text = print_head(reply.status, reply, std::to_string(reply.body.size()));
    text += head_only_ ? "" : reply.body;
    wire_.write(text.data(), text.size());
}

// It has no length: its end is that of the connection (RFC 9112, section 6.3).
void Conversation::send_stream(const Reply& reply) {
    bool well = true;
    const auto write = [&](std::string_view text) {
        well = well && wire_.write(text.data(), text.size()) == static_cast<ssize_t>(text.size());
        return well;
    };
    write(print_head(reply.status, reply, {}));
    while (well && reply.stream(write)) {
    }
}

}  // namespace appliance::api
