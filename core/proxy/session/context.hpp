// WorkerContext: what sessions use of their worker: loop, routing, memory, counters, log. The worker owns it, and
// changes routing and draining. Used on the worker's thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/date.hpp"
#include "core/http/head.hpp"
#include "core/io/loop.hpp"
#include "core/io/mailbox.hpp"
#include "core/io/pipe.hpp"
#include "core/proxy/session/session.hpp"
#include "core/proxy/stats/refusal.hpp"
#include "core/proxy/stats/report.hpp"
#include "core/proxy/stats/request_id.hpp"
#include "core/proxy/transfer/scratch.hpp"
#include "core/proxy/upstream/routing.hpp"

namespace core::proxy {

// Told what a worker has found out about backends. Each call runs on the worker's thread and must not wait.
class Observer {
public:
    // The passive check has found backend failing. This worker has stopped using it; the others have not.
    virtual void on_failing(const Backend& backend, std::string_view why) = 0;
    // No connection to backend could be made, because this machine lacks something: errno. At most once a second.
    virtual void on_shortage(const Backend& backend, int error) = 0;
    // backend has sent malformed answers that have one reading. At most once a minute for each backend. oddities: all
    // that this worker has met since the last call.
    virtual void on_odd_answers(const Backend& /*backend*/, http::Oddities /*oddities*/) {}

protected:
    ~Observer() = default;
};

class WorkerContext {
public:
    // mailbox, commons and observer (may be null) outlive the context.
    WorkerContext(io::Mailbox& mailbox, Commons& commons, Observer* observer) noexcept
        : mailbox_(mailbox), commons_(commons), observer_(observer) {}

    // Before anything else is called; the loop outlives all sessions.
    void attach(io::Loop& loop) noexcept { loop_ = &loop; }
    [[nodiscard]] io::Loop& loop() noexcept { return *loop_; }
    [[nodiscard]] io::Mailbox& mailbox() noexcept { return mailbox_; }
    [[nodiscard]] Commons& commons() noexcept { return commons_; }

    // Null until the first configuration has come.
    [[nodiscard]] const std::shared_ptr<Routing>& routing() const noexcept { return routing_; }
    void set_routing(std::shared_ptr<Routing> routing) noexcept { routing_ = std::move(routing); }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    void begin_drain() noexcept { draining_ = true; }

    [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
    [[nodiscard]] ScratchPool& scratch() noexcept { return scratch_; }
    [[nodiscard]] WideInboxes& wide_inboxes() noexcept { return wide_inboxes_; }
    // What this worker has moved so far.
    [[nodiscard]] Moved& moved() noexcept { return moved_; }
    // Null where the snapshot says that nothing is to be spliced.
    [[nodiscard]] io::PipePool* pipes(const Snapshot& snapshot) noexcept {
        return snapshot.zero_copy ? &pipes_ : nullptr;
    }
    // Heads are parsed into these, because they are too large for every session. Valid until the next await; then
    // another session may use them.
    [[nodiscard]] http::RequestHead& request_head() noexcept { return request_head_; }
    [[nodiscard]] http::ResponseHead& response_head() noexcept { return response_head_; }
    // The Date field's value for now; renewed twice a second.
    [[nodiscard]] std::string_view date();
    // Lines for the log, each with its newline. The worker hands them over once a round.
    [[nodiscard]] std::string& log_lines() noexcept { return log_lines_; }
    // True at most once a second.
    [[nodiscard]] bool refusal_worth_a_line() noexcept;

    // backend has failed an exchange or relay, for the reason why. visitor: see Backend::count_failure().
    void count_failure(Backend& backend, const Address* visitor, std::string_view why);
    // bytes were refused; parsed says why. refusal names the listener or the server. Returns the refusal as the log
    // prints it.
    std::string note_refusal(Refusal refusal, std::string_view bytes, const http::ParseResult& parsed);
    // A body was refused; the offset is not known.
    void note_refusal(Refusal refusal);
    [[nodiscard]] std::vector<Refusal> refusals() const { return refusals_.all(); }
    // An answer of backend was taken with these oddities, if any.
    void note_oddities(Backend& backend, http::Oddities oddities);
    // No connection to backend could be made, because this machine lacks something: errno.
    void note_shortage(const Backend& backend, int error);
    [[nodiscard]] std::uint64_t shortages() const noexcept { return shortages_; }

    // Open sessions, so that a drain or a stop reaches them. A session enlists itself.
    void enlist(Session& session) noexcept;
    void delist(Session& session) noexcept;
    // Calls act(session) for each session. act must not end a session at once.
    template <typename Act>
    void for_each_session(Act act) {
        for (Session* session = first_session_; session != nullptr; session = session->next_) {
            act(*session);
        }
    }

private:
    io::Loop* loop_ = nullptr;
    io::Mailbox& mailbox_;
    Commons& commons_;
    Observer* observer_;
    std::shared_ptr<Routing> routing_;
    ScratchPool scratch_;
    WideInboxes wide_inboxes_;
    Refusals refusals_;
    RequestIds request_ids_;
    Moved moved_;
    io::PipePool pipes_;
    http::RequestHead request_head_;
    http::ResponseHead response_head_;
    http::DateText date_{};
    io::Tick date_made_ = 0;
    std::string log_lines_;
    io::Tick refusal_logged_ = 0;
    io::Tick shortage_told_ = 0;
    std::uint64_t shortages_ = 0;
    Session* first_session_ = nullptr;
    bool draining_ = false;
};

}  // namespace core::proxy
