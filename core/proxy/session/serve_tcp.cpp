#include "core/proxy/session/connector.hpp"
#include "core/proxy/session/context.hpp"
#include "core/proxy/session/relay.hpp"
#include "core/proxy/session/session.hpp"

namespace core::proxy {

io::Task<void> serve_tcp(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener) {
    Session session(context, base::Descriptor(fd), listener);
    const bool begun = co_await begin_session(session);
    if (!begun) {
        co_return;
    }
    const std::shared_ptr<Routing> routing = context.routing();
    const Snapshot& snapshot = routing->snapshot();
    Record record(context.loop().now());
    const std::shared_ptr<const ListenerSpec> spec = session.listener->spec;
    record.listener = spec->name;
    Pool* const pool = routing->pool(spec->pool);
    Connection* backend = nullptr;
    auto refusal = Connector::Refusal::nobody;
    const bool bypasses = session.known_visitor && snapshot.bypass.admits(session.visitor);
    if (pool != nullptr && (!pool->maintenance || bypasses)) {
        record.pool = pool->name();
        Connector connector(session, *pool, snapshot.timeouts, record);
        backend = co_await connector.connect(0);
        refusal = connector.refusal();
        if (backend != nullptr) {
            connector.backend()->count_success();
            co_await relay(session, *backend, *connector.backend(), snapshot.timeouts.relay_idle,
                           context.pipes(snapshot), record);
        }
    }
    if (backend == nullptr) {
        record.answered_by = "nobody";
        record.error = explain(refusal);
        session.client.reset();  // the client sees a refused connection
    }
    if (session.left) {
        record.error = "the client went away";
    } else if (session.cut && backend != nullptr) {
        record.error = Session::cut_reason;
    }
    if (snapshot.log_exchanges) {
        record.print(context.log_lines(), session.visitor, session.peer, context.loop().now());
    }
}

}  // namespace core::proxy
