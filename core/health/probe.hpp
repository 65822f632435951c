// Probe: one check of one backend, from connect to verdict.
#pragma once

#include <string>

#include "core/base/address.hpp"
#include "core/health/check.hpp"
#include "core/http/parser.hpp"
#include "core/io/task.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"

namespace core::health {

class Probe {
public:
    // On socket: of the backend's family, not connected, not aborted. It and check outlive the probe. answers: how long
    // the head of an answer may be.
    Probe(net::Socket& socket, const Check& check, const Address& backend, const http::Limits& answers = {});
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    // Asks the backend. Ends at the check's timeout at the latest, and at once, with a verdict that means nothing, when
    // somebody aborts socket. Once.
    io::Task<void> ask(Verdict& verdict);
    // Parts from it as a good client does, because servers log those that do not, and some shut them out: reads the
    // answer to its end, lets the server close, and closes where it does not. Resets what has failed, and what goes on
    // at the check's timeout. To be awaited after ask(); afterwards the descriptor is not connected and may be used
    // again, by another Socket where this one was aborted: sockets that a privileged process has marked, so that they
    // pass fences, last for ever.
    io::Task<void> end();

private:
    io::Task<Verdict> ask_http();
    io::Task<void> read_body();
    io::Task<void> part();

    net::Socket& socket_;
    const Check& check_;
    http::Limits answers_;
    Address to_;
    net::Deadline deadline_;
    io::Tick until_ = 0;
    bool answered_ = false;    // there is something to end well
    http::Framing framing_{};  // of the answer's body
    std::string read_;         // and what has come of it
};

}  // namespace core::health
