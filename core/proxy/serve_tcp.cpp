#include "core/proxy/connector.hpp"
#include "core/proxy/relay.hpp"
#include "core/proxy/session.hpp"
#include "core/proxy/worker.hpp"

namespace core::proxy {

io::Task<void> serve_tcp(Worker& worker, int fd, const std::shared_ptr<ListenerState>& listener) {
    Session session(worker, base::Descriptor(fd), listener);
    const std::shared_ptr<Routing> routing = worker.routing();
    const Snapshot& snapshot = routing->snapshot();
    Record record(worker.loop().now());
    record.listener = session.listener->spec.name;
    Pool* const pool = routing->pool(session.listener->spec.pool);
    Connection* backend = nullptr;
    if (pool != nullptr && !pool->maintenance) {
        record.pool = pool->name();
        Connector connector(session, *pool, snapshot.timeouts, record);
        backend = co_await connector.connect(false);
        if (backend != nullptr) {
            co_await relay(session, *backend, snapshot.timeouts.relay_idle, record);
        }
    }
    if (backend == nullptr) {
        record.answered_by = "nobody";
        record.error = "no eligible backend";
        session.client.reset_on_close();  // what a refused connection looks like after an accept
    }
    if (snapshot.log_exchanges) {
        record.print(worker.log_lines(), session.peer, worker.loop().now());
    }
}

}  // namespace core::proxy
