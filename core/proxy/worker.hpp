// Worker: one thread, one ring, its own view of everything. Accepts connections, runs their sessions, and takes
// letters from the server: a new snapshot, fences, health, a question for its counters, the order to end.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/http/date.hpp"
#include "core/http/head.hpp"
#include "core/io/loop.hpp"
#include "core/io/mailbox.hpp"
#include "core/io/pipe.hpp"
#include "core/io/task.hpp"
#include "core/net/acceptor.hpp"
#include "core/proxy/refusal.hpp"
#include "core/proxy/report.hpp"
#include "core/proxy/request_id.hpp"
#include "core/proxy/routing.hpp"
#include "core/proxy/scratch.hpp"
#include "core/proxy/session.hpp"

namespace core::proxy {

class Worker {
public:
    // Told that the passive check has found a backend failing: this worker has let it go, the others have not.
    class Observer {
    public:
        // On the worker's thread; must not wait.
        virtual void on_failing(const Backend& backend, std::string_view why) = 0;
        // No connection to backend could be made for want of something of this machine's: errno. At most once a second.
        virtual void on_shortage(const Backend& backend, int error) = 0;
        // backend has answered in ways that only one reading saves. At most once a minute for each backend, with all
        // that this worker has met in the meantime.
        virtual void on_odd_answers(const Backend& /*backend*/, http::Oddities /*oddities*/) {}

    protected:
        ~Observer() = default;
    };

    // commons, log and observer (may be null) outlive the worker.
    Worker(unsigned index, io::LoopOptions options, Commons& commons, base::Log& log, Observer* observer = nullptr);
    ~Worker();

    // The thread's body: makes the ring, says through started whether that worked, serves until it was told to end and
    // nothing is left.
    void run(std::promise<Result<void>>& started);

    // Any thread: letter runs on this worker's thread. Never delivered once the worker has ended.
    void post(io::Mailbox::Letter letter) { mailbox_.post(std::move(letter)); }

    // The rest: on the worker's own thread only.

    struct Listening {
        ListenerSpec spec;
        base::Descriptor fd;
    };
    // Takes a new configuration; a listener whose address is there already keeps its socket. applied is called when
    // that is done and the sockets of listeners that are gone are closed: until then their addresses are in use.
    void apply(SnapshotRef snapshot, std::vector<Listening> listeners, const Findings& findings,
               io::Mailbox::Letter applied);
    void administer(const Administration& administration);
    void set_health(const std::string& pool, const std::string& server, const Address& address, bool healthy);
    // backend has failed an exchange or relay, because of why. visitor: see Backend::count_failure().
    void count_failure(Backend& backend, const Address* visitor, std::string_view why);
    // bytes were refused; parsed says why. Whose they are stands in refusal. Returns it as the log has it.
    std::string note_refusal(Refusal refusal, std::string_view bytes, const http::ParseResult& parsed);
    // A body was refused: without the place in it.
    void note_refusal(Refusal refusal);
    [[nodiscard]] std::vector<Refusal> refusals() const { return refusals_.all(); }
    // An answer of backend was taken though it had these, where it had any.
    void note_oddities(Backend& backend, http::Oddities oddities);
    // No connection to backend could be made for want of something of our own: errno.
    void note_shortage(const Backend& backend, int error);
    [[nodiscard]] WorkerReport report() const;
    // What a drain does with sessions that wait for a request. Whoever ends them may meet a request on its way in,
    // which is lost then; left alone, they are served once more and told that we close.
    enum class Idle { end, stay };
    // Stops accepting; idle sessions end or stay, exchanges may go on until within has passed, relays for as long as
    // the snapshot says, at most within.
    void drain(Milliseconds within, Idle idle);
    // What a drain had to cut off. Once the worker has ended, from any thread.
    [[nodiscard]] const CutReport& cut() const noexcept { return cut_; }

    [[nodiscard]] io::Loop& loop() noexcept { return *loop_; }
    [[nodiscard]] Commons& commons() noexcept { return commons_; }
    [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
    [[nodiscard]] io::Mailbox& mailbox() noexcept { return mailbox_; }
    [[nodiscard]] ScratchPool& scratch() noexcept { return scratch_; }
    [[nodiscard]] WideInboxes& wide_inboxes() noexcept { return wide_inboxes_; }
    // What this worker has moved so far.
    [[nodiscard]] Moved& moved() noexcept { return moved_; }
    // Null where the snapshot says that nothing is to be spliced.
    [[nodiscard]] io::PipePool* pipes(const Snapshot& snapshot) noexcept {
        return snapshot.zero_copy ? &pipes_ : nullptr;
    }
    // Where heads are parsed into: good until the next await, then somebody else's. Too large for every session.
    [[nodiscard]] http::RequestHead& request_head() noexcept { return request_head_; }
    [[nodiscard]] http::ResponseHead& response_head() noexcept { return response_head_; }
    // The Date field's value for now, made anew once a second.
    [[nodiscard]] std::string_view date();
    [[nodiscard]] const std::shared_ptr<Routing>& routing() const noexcept { return routing_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    // True at most once a second.
    [[nodiscard]] bool refusal_worth_a_line() noexcept;
    // Lines for the log, with their newlines; handed over once a round.
    [[nodiscard]] std::string& log_lines() noexcept { return log_lines_; }

private:
    friend class Session;
    class Door;
    // Once a second: closes dead idle connections, and ends what outlives a drain.
    class Housekeeping final : public io::Timer {
    public:
        explicit Housekeeping(Worker& worker) noexcept : worker_(worker) {}

    private:
        void on_expire() override { worker_.keep_house(); }
        Worker& worker_;
    };

    void accept(base::Descriptor connection, const std::shared_ptr<ListenerState>& listener);
    void enlist(Session& session) noexcept;
    void delist(Session& session) noexcept;
    void keep_house();
    void cut_late(io::Tick& next);
    void balance_acceptance();
    void report_closed();
    [[nodiscard]] bool done() const noexcept;
    void wind_down();

    unsigned index_;
    io::LoopOptions options_;
    Commons& commons_;
    base::Log& log_;
    Observer* observer_;
    io::Mailbox mailbox_;
    std::unique_ptr<io::Loop> loop_;
    std::shared_ptr<Routing> routing_;
    Administration administration_;
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
    std::vector<std::unique_ptr<Door>> doors_;
    std::vector<io::Mailbox::Letter> applied_;  // called when no door is closing any more
    io::TaskGroup sessions_;
    Session* first_session_ = nullptr;
    Housekeeping housekeeping_{*this};
    std::string log_lines_;
    io::Tick refusal_logged_ = 0;
    io::Tick shortage_told_ = 0;
    std::uint64_t shortages_ = 0;
    io::Tick drain_until_ = 0;
    io::Tick relays_until_ = 0;
    CutReport cut_;
    bool draining_ = false;
    bool accepting_ = true;
};

}  // namespace core::proxy
