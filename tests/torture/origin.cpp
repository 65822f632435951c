#include "tests/torture/origin.hpp"

#include <sys/socket.h>

#include <cstring>

#include "tests/support/socket_pair.hpp"
#include "tests/torture/client.hpp"
#include "tests/torture/verdict.hpp"

namespace tests::torture {

Origin::Origin(Ledger& ledger, Kind kind)
    : ledger_(ledger),
      kind_(kind),
      listening_(listen_on_loopback(address_, false, 1024)),
      thread_([this] { accept(); }) {
    Random random(address_.port());
    pinch(listening_, random);  // accepted sockets inherit this
}

Origin::~Origin() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return connections_ == 0; });
}

std::size_t Origin::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

// One detached thread each: of a million connections, none may be left to join.
void Origin::accept() {
    for (;;) {
        core::base::Descriptor fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd.valid()) {
            return;
        }
        const std::lock_guard lock(mutex_);
        ++connections_;
        std::thread([this, raw = fd.release()] {
            serve(core::base::Descriptor(raw));
            const std::lock_guard ending(mutex_);
            --connections_;
            changed_.notify_all();
        }).detach();
    }
}

void Origin::serve(core::base::Descriptor fd) {
    Wire wire(std::move(fd));
    if (kind_ == Kind::relay) {
        serve_relay(wire);
        return;
    }
    while (serve_one(wire)) {
    }
}

bool Origin::serve_one(Wire& wire) {
    wire.begin({}, {}, 0);
    // The first line contains the plan's seed; the plan's pace and break apply from here on.
    const auto line = wire.line();
    if (!line) {
        return false;
    }
    const Plan plan(std::stoull(line->substr(line->find('/') + 1), nullptr, 16), kind_);
    wire.begin(plan.server.reads, plan.kind == Kind::upgrade ? Cut{} : plan.server.cut, ~plan.seed, line->size() + 2);
    std::string head = receive_head(wire);
    if (head.empty()) {
        return false;
    }
    ledger_.reached(plan.seed);
    Text answer = compose_response(plan);
    if (plan.kind == Kind::upgrade) {
        wire.send(std::move(answer.head), {});
        wire.flush();
        run_relay(wire, plan, plan.server, plan.client, ledger_);
        return false;
    }
    if (plan.expect || plan.hints) {
        wire.send(plan.expect ? "HTTP/1.1 100 Continue\r\n\r\n" : "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", {});
    }
    if (plan.early) {
        wire.send(answer.head + answer.body, plan.server.sends);
    }
    const Incoming request = receive_request(wire, std::move(head));
    ledger_.bytes += request.body.size();
    judge(wire, plan, judge_request(plan, request));
    if (!plan.early && request.whole) {
        wire.send(answer.head + answer.body, plan.server.sends);
    }
    const bool until_close = plan.server.framing == Framing::until_close && !plan.bodiless();
    if (until_close || plan.server_closes || plan.server.cut.planned() || !request.whole) {
        wire.finish();
        std::string rest;
        wire.flush();
        wire.take_all(rest);  // a close with something unread would be an RST
        return false;
    }
    return wire.flush() && !plan.server_leaves;
}

void Origin::serve_relay(Wire& wire) {
    std::string bytes;
    if (!wire.take(sizeof(Plan::seed), bytes)) {
        return;
    }
    std::uint64_t seed = 0;
    std::memcpy(&seed, bytes.data(), sizeof seed);
    const Plan plan(seed, Kind::relay);
    run_relay(wire, plan, plan.server, plan.client, ledger_);
}

void Origin::judge(const Wire& wire, const Plan& plan, const std::string& wrong) {
    if (wire.end() == Wire::End::stuck) {
        ledger_.blame(plan, "server", "stuck");
    } else if (!wrong.empty()) {
        ledger_.blame(plan, "server", wrong);
    }
}

}  // namespace tests::torture
