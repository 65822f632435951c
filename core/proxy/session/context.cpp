#include "core/proxy/session/context.hpp"

namespace core::proxy {
namespace {

constexpr io::Tick date_every = 500;

}  // namespace

void WorkerContext::count_failure(Backend& backend, const Address* visitor, std::string_view why) {
    if (!backend.count_failure(visitor, loop_->now())) {
        return;
    }
    routing_->settle(loop_->now());  // requests that wait for this backend look again
    if (observer_ != nullptr) {
        observer_->on_failing(backend, why);
    }
}

std::string WorkerContext::note_refusal(Refusal refusal, std::string_view bytes, const http::ParseResult& parsed) {
    describe(refusal, bytes, parsed);
    std::string printed = print(refusal);
    refusals_.add(std::move(refusal));
    return printed;
}

void WorkerContext::note_refusal(Refusal refusal) {
    refusal.at = base::wall_now();
    refusals_.add(std::move(refusal));
}

void WorkerContext::note_oddities(Backend& backend, http::Oddities oddities) {
    if (!oddities.any()) {
        return;
    }
    if (const http::Oddities told = backend.count_odd(oddities, loop_->now()); told.any() && observer_ != nullptr) {
        observer_->on_odd_answers(backend, told);
    }
}

void WorkerContext::note_shortage(const Backend& backend, int error) {
    ++shortages_;
    const io::Tick now = loop_->now();
    if (observer_ != nullptr && (shortage_told_ == 0 || now - shortage_told_ >= 1000)) {
        shortage_told_ = now;
        observer_->on_shortage(backend, error);
    }
}

std::string_view WorkerContext::date() {
    if (date_made_ == 0 || loop_->now() - date_made_ >= date_every) {
        date_ = http::print_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        date_made_ = loop_->now();
    }
    return http::view(date_);
}

bool WorkerContext::refusal_worth_a_line() noexcept {
    const io::Tick now = loop_->now();
    if (refusal_logged_ != 0 && now - refusal_logged_ < 1000) {
        return false;
    }
    refusal_logged_ = now;
    return true;
}

void WorkerContext::enlist(Session& session) noexcept {
    session.next_ = first_session_;
    session.link_ = &first_session_;
    if (first_session_ != nullptr) {
        first_session_->link_ = &session.next_;
    }
    first_session_ = &session;
    ++session.listener->sessions;
}

void WorkerContext::delist(Session& session) noexcept {
    *session.link_ = session.next_;
    if (session.next_ != nullptr) {
        session.next_->link_ = session.link_;
    }
    --session.listener->sessions;
}

}  // namespace core::proxy
