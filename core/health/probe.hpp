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
    // socket: of the backend's family, not connected, not aborted. It and check outlive the probe. answers: limits of
    // an answer's head.
    Probe(net::Socket& socket, const Check& check, const Address& backend, const http::Limits& answers = {});
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    // Probes the backend. Ends at the check's timeout at the latest. Also ends at once, with a meaningless verdict,
    // when socket is aborted. Once.
    io::Task<void> ask(Verdict& verdict);
    // Ends the connection properly, because servers log clients that do not, and some block them. Reads the answer to
    // its end, waits for the server to close, and closes where it does not. Resets a failed connection, and one that is
    // still open at the check's timeout. Await it after ask(). Afterwards the descriptor is not connected and may be
    // used again, by another Socket where this one was aborted. So the sockets that a privileged process has marked, to
    // pass fences, never run out.
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
    bool answered_ = false;    // there is a connection to end properly
    http::Framing framing_{};  // of the answer's body
    std::string read_;         // the part of it that has come
};

}  // namespace core::health
