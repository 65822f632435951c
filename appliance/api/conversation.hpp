// Conversation: one connection with one request, from its head to the last byte of its answer. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "appliance/api/entrance.hpp"
#include "appliance/api/request_reader.hpp"
#include "appliance/api/server.hpp"
#include "appliance/api/slots.hpp"

namespace appliance::api {

class Conversation {
public:
    // All of it outlives the conversation. ticket: of this connection, which has entered slots as a stranger.
    Conversation(Wire& wire, Entrance& entrance, Slots& slots, Slots::Ticket ticket, const Server::Handler& handler)
        : wire_(wire), entrance_(entrance), slots_(slots), ticket_(ticket), handler_(handler), reader_(wire) {}

    // Reads the request, calls the handler, sends the reply, and calls its `then`. Throws what these throw.
    void run();

private:
    Reply answer();
    // Identifies the caller and takes a caller's slot for it. Error: the reply that refuses it.
    tl::expected<Peer, Reply> admit_caller();
    void send(const Reply& reply);
    void send_stream(const Reply& reply);

    Wire& wire_;
    Entrance& entrance_;
    Slots& slots_;
    Slots::Ticket ticket_;
    const Server::Handler& handler_;
    RequestReader reader_;
    bool head_only_ = false;  // the answer has no body
    bool heard_ = false;      // the request was read to its end
};

}  // namespace appliance::api
