#include "core/proxy/session.hpp"

#include "core/proxy/worker.hpp"

namespace core::proxy {

Session::Session(Worker& owner, base::Descriptor fd, std::shared_ptr<ListenerState> from)
    : worker(owner),
      listener(std::move(from)),
      client(owner.loop(), std::move(fd)),
      deadline(client),
      send_deadline(client),
      inbox(client),
      peer(net::peer_of(client.fd())),
      peer_host(peer.host()),
      ending(owner.draining()) {
    worker.enlist(*this);
}

Session::~Session() {
    worker.delist(*this);
}

void Session::end_soon() {
    ending = true;
    // A request that is on its way in is still answered, and told that we close.
    if (idle && client.quiet()) {
        client.abort();
    }
}

void Session::end_now() {
    ending = true;
    client.reset();
    if (upstream != nullptr) {
        upstream->socket.reset();
    }
    if (pause != nullptr && pause->current != nullptr) {
        pause->current->cancel();
    }
}

}  // namespace core::proxy
