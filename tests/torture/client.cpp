#include "tests/torture/client.hpp"

#include <algorithm>
#include <cstring>

#include "tests/support/socket_pair.hpp"
#include "tests/torture/verdict.hpp"

namespace tests::torture {

void Client::run() {
    while (!ledger_.over()) {
        Wire wire = connect();
        if (kind_ == Kind::relay) {
            relay(wire, next());
            continue;
        }
        bool more = true;
        for (std::uint64_t left = 1 + random_.size(100); more && left > 0 && !ledger_.over(); --left) {
            std::vector<Plan> plans{next()};
            while (plans.back().pipelines() && plans.size() < 5 && random_.chance(15)) {
                plans.push_back(next());
                if (!plans.back().pipelines()) {
                    plans.pop_back();
                    break;
                }
            }
            more = exchange(wire, plans);
        }
    }
}

Wire Client::connect() {
    core::base::Descriptor fd(::socket(proxy_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    VERIFY(fd.valid());
    pinch(fd, random_);
    sockaddr_storage storage{};
    const socklen_t size = proxy_.fill(storage);
    VERIFY(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0);
    return Wire(std::move(fd));
}

bool Client::exchange(Wire& wire, const std::vector<Plan>& plans) {
    const Plan& first = plans.front();
    Pace reads = first.client.reads;
    for (const Plan& plan : plans) {
        reads.piece = std::max(reads.piece, plan.server.size / pieces_max);
    }
    wire.begin(reads, first.kind == Kind::upgrade ? Cut{} : first.client.cut, first.seed);
    if (first.kind == Kind::upgrade || first.expect) {
        return converse(wire, first);
    }
    for (const Plan& plan : plans) {
        const Text text = compose_request(plan);
        wire.send(text.head + text.body, plan.client.sends);
    }
    if (first.half_closes) {
        wire.finish();
    }
    for (const Plan& plan : plans) {
        if (!settle(wire, plan, receive_response(wire, plan.method))) {
            return false;
        }
    }
    return !first.half_closes && wire.flush();
}

// Waits for the server's line before it continues.
bool Client::converse(Wire& wire, const Plan& plan) {
    Text text = compose_request(plan);
    wire.send(std::move(text.head), {});
    Incoming answer;
    answer.head = receive_head(wire);
    answer.whole = !answer.head.empty();
    if (plan.expect && answer.status() == 100) {
        wire.send(std::move(text.body), plan.client.sends);
        return settle(wire, plan, receive_response(wire, plan.method));
    }
    if (plan.kind == Kind::upgrade && answer.status() == 101) {
        run_relay(wire, plan, plan.client, plan.server, ledger_);
    } else if (!excused(plan, answer, ledger_.was_reached(plan.seed))) {
        const bool stuck = wire.end() == Wire::End::stuck;
        ledger_.blame(plan, "client", stuck ? "stuck before a 100 or a 101" : "neither 100 nor 101 but " + answer.head);
    }
    return false;
}

bool Client::settle(Wire& wire, const Plan& plan, const Incoming& response) {
    const bool reached = ledger_.was_reached(plan.seed);
    ledger_.messages += 1;
    ledger_.bytes += response.body.size();
    ledger_.excused += excused(plan, response, reached) && !plan.server.cut.planned() ? 1 : 0;
    const std::string wrong =
        wire.end() == Wire::End::stuck ? "stuck" : judge_response(plan, response, wire.end(), reached);
    if (!wrong.empty()) {
        ledger_.blame(plan, "client", wrong);
    }
    return wrong.empty() && response.whole && wire.end() == Wire::End::open && !plan.client.cut.planned() &&
           !response.says("\r\nconnection: close") && (plan.minor == 1 || response.says("\r\nconnection: keep-alive"));
}

void Client::relay(Wire& wire, const Plan& plan) {
    std::string seed(sizeof plan.seed, 0);
    std::memcpy(seed.data(), &plan.seed, sizeof plan.seed);
    wire.send(std::move(seed), {});
    wire.flush();
    run_relay(wire, plan, plan.client, plan.server, ledger_);
}

void run_relay(Wire& wire, const Plan& plan, const Side& from, const Side& to, Ledger& ledger) {
    wire.begin(from.reads, from.cut, plan.seed);
    wire.send(noise(from.noise, from.size), from.sends);
    wire.finish();
    std::string stream;
    wire.take_all(stream);
    wire.flush();
    ledger.messages += 1;
    ledger.bytes += stream.size();
    const std::string wrong = wire.end() == Wire::End::stuck ? "stuck" : judge_stream(to, from, stream, wire.end());
    if (!wrong.empty()) {
        ledger.blame(plan, &from == &plan.client ? "client" : "server", wrong);
    }
}

}  // namespace tests::torture
