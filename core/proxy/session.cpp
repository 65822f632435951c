#include "core/proxy/session.hpp"

#include "core/proxy/worker.hpp"

namespace core::proxy {

Session::Session(Worker& owner, base::Descriptor fd, std::shared_ptr<ListenerState> from)
    : worker(owner),
      listener(std::move(from)),
      client(owner.loop(), std::move(fd)),
      deadline(client),
      inbox(client),
      peer(net::peer_of(client.fd())),
      ending(owner.draining()) {
    worker.enlist(*this);
}

Session::~Session() {
    worker.delist(*this);
}

void Session::end_soon() {
    ending = true;
    if (idle) {
        client.abort();
    }
}

void Session::end_now() {
    ending = true;
    client.abort();
    if (upstream != nullptr) {
        upstream->socket.abort();
    }
}

}  // namespace core::proxy
