// An exchange without an answer from its server: the next server, the failure counted, the answer to the client.
#include <algorithm>

#include "core/proxy/session/context.hpp"
#include "core/proxy/session/exchange.hpp"

namespace core::proxy {
namespace {

// Servers do not give up a slow reader sooner than this. Milliseconds.
constexpr io::Tick given_up_after = 1000;

}  // namespace

// Whether to send the request to another server.
// 1. The server closed a reused connection: it has not seen the request, so send it again.
// 2. The server closed a new connection: it may be going down, and its backlog was reset. Try another.
// 3. The server was late: it may be frozen. Try one other server only, or else each server in turn would make the same
// slow page.
bool Exchange::tries_next(HeadOutcome outcome, Connector& connector, const Connection& asked) {
    // The operator fenced the server and ended its exchanges: visitors are told at once.
    const bool killed = connector.backend()->fenced() && !asked.reused;
    const bool again = outcome == HeadOutcome::silent || (outcome == HeadOutcome::late && !patient_);
    if (!again || killed || !repeatable() || session_.client.aborted()) {
        return false;
    }
    ++record_.retries;
    if (outcome == HeadOutcome::late) {
        patient_ = true;
        waited_for_ = connector.backend();
    } else if (!asked.reused) {
        session_.context.count_failure(*connector.backend(), &session_.visitor, failure_);
    }
    if (outcome == HeadOutcome::late || !asked.reused) {
        silent_ = true;
        connector.pass_over();
    }
    return true;
}

// Two servers that are late with the same request are both not blamed. The page itself may be slow, and a few visitors
// of it could take out every server. One server is blamed where the other has answered, or where there is no other.
void Exchange::blame_waited_for() {
    if (waited_for_ != nullptr) {
        session_.context.count_failure(*waited_for_, &session_.visitor, late_answer);
        waited_for_ = nullptr;
    }
}

// The client must not take a cut body for whole. Where only the connection's end marks the body's end, only RST can say
// so. RST discards what our kernel has not sent yet. So wait until that is sent, as long as the client takes it.
io::Task<void> Exchange::await_taken() {
    constexpr io::Tick look = 20;  // milliseconds
    io::Loop& loop = session_.context.loop();
    io::OperationSlot slot;
    session_.pause = &slot;
    net::Socket::Progress seen = session_.client.progress();
    io::Tick since = loop.now();
    while (seen.waiting > 0 && !session_.left && !session_.client.aborted() &&
           loop.now() < since + static_cast<io::Tick>(timeouts_.client.count())) {
        co_await io::Sleep(loop, slot, loop.now() + look);
        const net::Socket::Progress now = session_.client.progress();
        since = now.taken == seen.taken ? since : loop.now();
        seen = now;
    }
    session_.pause = nullptr;
}

void Exchange::conclude_cut(Backend& server, BodyEnd end) {
    record_.error = "the server broke off in the middle of its answer";
    if (end == BodyEnd::source_malformed) {
        record_.error = malformed_;
        note_malformed_body({.pool = pool_->name(), .server = server.spec().server, .status = record_.status});
    }
    record_.broken = true;
    // A server may have given up because its visitor took nothing for too long; then it is not blamed.
    if (end == BodyEnd::source_malformed || session_.send_deadline.longest_wait() < given_up_after) {
        session_.context.count_failure(server, &session_.visitor, record_.error);
    }
}

void Exchange::note_malformed_body(Refusal whose) {
    whose.client = session_.peer_host;
    whose.reason = malformed_;
    whose.line = record_.first_line();
    session_.context.note_refusal(std::move(whose));
}

// The client has left: no server is at fault.
bool Exchange::conclude_left() {
    if (record_.status == 0) {
        record_.answered_by = "nobody";
    }
    record_.error = "the client went away";
    return false;
}

io::Task<bool> Exchange::conclude_failure(Connector& connector, BodyEnd upload_end) {
    if (client_late_) {
        connector.release();
        co_return co_await answer_error(408, "the request body did not go on in time");
    }
    if (upload_end == BodyEnd::source_ended || upload_end == BodyEnd::source_failed) {
        record_.answered_by = "nobody";
        record_.error = "the client went away in the middle of its request";
        co_return false;
    }
    const bool malformed = upload_end == BodyEnd::source_malformed;
    if (!malformed && !failure_ours_ && waited_for_ == nullptr) {
        session_.context.count_failure(*connector.backend(), &session_.visitor, failure_);
    }
    if (malformed) {
        note_malformed_body({.listener = std::string(record_.listener), .status = 400});
    }
    connector.release();
    co_return co_await answer_error(malformed ? 400 : failure_status_, malformed ? malformed_ : failure_);
}

OwnAnswer Exchange::own_answer(int status, std::string_view reason) {
    const bool keep = request_.keep_alive && !session_.ending && request_.framing.empty();
    record_.answered_by = "gatehouse";
    record_.status = static_cast<std::uint16_t>(status);
    record_.error = reason;
    return {.status = status,
            .reason = reason,
            .media = request_.media,
            .head_only = request_.is_head,
            .persistence = keep ? request_.staying : http::Persistence::close};
}

// The page is for a pool without a usable server; busy servers are no maintenance.
io::Task<bool> Exchange::answer_nobody(Connector::Refusal refusal) {
    if (refusal == Connector::Refusal::nobody) {
        co_return co_await answer_maintenance();
    }
    co_return co_await answer_error(503, explain(refusal));
}

io::Task<bool> Exchange::answer_maintenance() {
    const bool by_hand = pool_ != nullptr && pool_->maintenance.has_value();
    const OwnAnswer answer = own_answer(503, by_hand ? "maintenance" : "no eligible backend");
    const int sent =
        co_await send_maintenance(session_, answer, routing_->snapshot(), by_hand ? &*pool_->maintenance : nullptr);
    record_.sent += static_cast<std::uint64_t>(std::max(sent, 0));
    co_return sent > 0 && answer.persistence != http::Persistence::close;
}

io::Task<bool> Exchange::answer_error(int status, std::string_view reason) {
    const OwnAnswer answer = own_answer(status, reason);
    const int sent = co_await send_error(session_, answer);
    record_.sent += static_cast<std::uint64_t>(std::max(sent, 0));
    co_return sent > 0 && answer.persistence != http::Persistence::close;
}

}  // namespace core::proxy
