// What an exchange does where a server does not answer it: who is asked next, who is blamed, what the client is told.
#include <algorithm>

#include "core/proxy/session/context.hpp"
#include "core/proxy/session/exchange.hpp"

namespace core::proxy {
namespace {

// No server gives a reader up sooner, milliseconds.
constexpr io::Tick given_up_after = 1000;

}  // namespace

// Whether another server is to be asked. One that ends even a new connection is going down, say, and what waited in its
// backlog was reset; a frozen one takes connections and says nothing. Of those one other is asked: a page that takes
// longer than it may would else be made by every server in turn. Where a server had closed the connection that we kept,
// it has not seen the request.
bool Exchange::tries_next(HeadOutcome outcome, Connector& connector, const Connection& asked) {
    // An operator who has ended what was in flight on a server wants that visitors are told at once.
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

// A request on which two servers have been silent says nothing against either: it may be the page that takes so long,
// and a few visitors of such a page would take out every server. Where the other has answered, or there is none, it was
// the server.
void Exchange::blame_waited_for() {
    if (waited_for_ != nullptr) {
        session_.context.count_failure(*waited_for_, &session_.visitor, late_answer);
        waited_for_ = nullptr;
    }
}

// The client must not take a cut body for whole. One whose end is only that of the connection can say so by RST alone,
// which throws away what is still in our kernel: so that is waited for, as long as the client goes on taking it.
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
    // A server that had to wait for a visitor who took nothing may have given it up.
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

// It has gone by itself: nobody is to blame.
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

// The page is for when nobody is left; servers that are only busy are no maintenance.
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
