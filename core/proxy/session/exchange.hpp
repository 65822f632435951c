// Exchange: one request and its response, from the parsed request head to the last byte of the response. Read run()
// from the top.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/http/authentication.hpp"
#include "core/http/parser.hpp"
#include "core/proxy/session/answer.hpp"
#include "core/proxy/session/connector.hpp"
#include "core/proxy/session/session.hpp"
#include "core/proxy/stats/record.hpp"
#include "core/proxy/stats/refusal.hpp"
#include "core/proxy/transfer/body.hpp"
#include "core/proxy/upstream/routing.hpp"

namespace core::proxy {

class Exchange {
public:
    // The error text for the log and the client.
    static constexpr std::string_view late_answer = "the server did not answer in time";

    Exchange(Session& session, std::shared_ptr<Routing> routing, Record& record);

    // Takes over the head that was just parsed from the first head_bytes of the session's inbox. Must run before any
    // await.
    void prepare(const http::RequestHead& head, std::size_t head_bytes);
    // Runs the exchange. True: the session may continue with the next request.
    io::Task<bool> run();
    // The pool that the request is for; null where no route matches.
    [[nodiscard]] Pool* pool() const noexcept { return pool_; }

private:
    // What is needed of the request after its head's bytes are gone.
    struct Request {
        http::Framing framing;
        http::Persistence staying = http::Persistence::implied;
        Media media = Media::html;
        std::uint8_t minor = 1;
        bool is_head = false;
        bool idempotent = false;
        bool keep_alive = false;
        std::string upgrade{};  // the protocol that it asks for; empty: none
        bool expect_continue = false;
        bool binds = false;   // see http::binds_connection
        bool secure = false;  // the visitor came by https
    };
    // Over all heads of the response so far, interim ones included.
    struct Response {
        std::size_t head_bytes = 0;  // of the last head
        bool keep_alive = true;      // of the backend's connection; every head must allow it
        bool upgraded = false;
        bool binds = false;  // see http::binds_connection
        http::Oddities oddities{};

        void take(const http::ResponseHead& head, std::size_t bytes) noexcept {
            head_bytes = bytes;
            keep_alive = keep_alive && head.keep_alive;
            upgraded = head.status == 101;
            binds = http::binds_connection(head);
            oddities.add(head.oddities);
        }
    };
    enum class HeadOutcome : std::uint8_t {
        final,        // a final response's head is there
        silent,       // the connection ended before the first byte of an answer
        late,         // nor did one come in time
        failed,       // no valid answer, or none in time
        client_gone,  // found while passing on an interim response
    };

    [[nodiscard]] bool admit();
    io::Task<BodyEnd> upload(Connection& backend);
    io::Task<HeadOutcome> receive_head(Connection& backend);
    HeadOutcome fail(int status, std::string_view reason, bool ours = false) noexcept {
        failure_status_ = status;
        failure_ = reason;
        failure_ours_ = ours;
        return HeadOutcome::failed;
    }
    // A client without its backend's cookie gets it; so does one that was sent to another backend.
    [[nodiscard]] http::SetCookie cookie_for(const Backend& server) const noexcept {
        const bool known = pool_->spec().cookie.empty() || &server == known_;
        return known ? http::SetCookie{} : http::SetCookie{pool_->spec().cookie, server.alias(), request_.secure};
    }
    io::Task<bool> download(Connection& backend, Backend& server);
    bool tries_next(HeadOutcome outcome, Connector& connector, const Connection& asked);
    void blame_waited_for();
    io::Task<void> await_taken();
    void conclude_cut(Backend& server, BodyEnd end);
    // whose: names the listener or the server, and has the status.
    void note_malformed_body(Refusal whose);
    bool conclude_left();
    io::Task<bool> conclude_failure(Connector& connector, BodyEnd upload_end);
    io::Task<bool> answer_nobody(Connector::Refusal refusal);
    io::Task<bool> answer_maintenance();
    io::Task<bool> answer_error(int status, std::string_view reason);
    [[nodiscard]] OwnAnswer own_answer(int status, std::string_view reason);
    // How long a server may be silent.
    [[nodiscard]] Milliseconds server_patience() const noexcept {
        const Milliseconds own = pool_->spec().backend_timeout;
        return own > Milliseconds(0) ? own : timeouts_.backend;
    }
    [[nodiscard]] bool repeatable() const noexcept { return request_.idempotent && request_.framing.empty(); }

    Session& session_;
    std::shared_ptr<Routing> routing_;
    const Timeouts& timeouts_;
    Record& record_;
    Pool* pool_ = nullptr;      // by the listener's routes, from prepare() on
    bool bypasses_ = false;     // sees the site while the pool shows the page
    Backend* known_ = nullptr;  // the backend that the client's affinity cookie names; null: none
    Sources::Place place_;      // its place among its visitor's requests, where the peer is a balancer
    Request request_;
    Response response_;
    Outbox to_backend_;
    Outbox to_client_;
    std::optional<BodyEnd> uploaded_;  // how the upload ended; empty while it runs
    bool silent_ = false;              // a server closed a new connection without an answer, or gave none in time
    bool patient_ = false;             // one server has used its whole time
    Backend* waited_for_ = nullptr;    // that server, until it is known whether it is at fault; routing_ keeps it
    bool response_begun_ = false;      // the final head has come
    bool client_late_ = false;         // the client was silent for too long in the middle of its body
    std::size_t request_size_ = 0;
    bool failure_ours_ = false;  // a limit or a shortage of ours: not counted against the server
    int failure_status_ = 0;
    std::string_view failure_;
    std::string_view malformed_;  // why a body was refused
};

}  // namespace core::proxy
