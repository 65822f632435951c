// Addresses of a name. A name service cannot be told to stop, so it is asked in a thread that is left behind when the
// time is up.
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "appliance/guard/connection.hpp"

namespace appliance::guard {
namespace {

constexpr std::size_t addresses_tried = 8;

std::atomic<unsigned> lookups = 0;

// What the thread shares with the one that waits for it, which may leave first.
struct Lookup {
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    std::vector<core::Address> addresses;
    std::string error;
};

void look_up_here(const std::string& host, const std::string& port, Lookup& into) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    const std::lock_guard lock(into.mutex);
    for (const addrinfo* one = list; one != nullptr && into.addresses.size() < addresses_tried; one = one->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, one->ai_addr, std::min<std::size_t>(one->ai_addrlen, sizeof storage));
        into.addresses.push_back(core::Address::from(storage));
    }
    if (list != nullptr) {
        ::freeaddrinfo(list);
    }
    into.error = code == 0 ? "" : ::gai_strerror(code);
    into.over = true;
    into.ended.notify_all();
}

}  // namespace

core::Result<std::vector<core::Address>> look_up(const std::string& host, std::uint16_t port, Deadline deadline) {
    if (lookups.fetch_add(1) >= lookups_max) {
        --lookups;
        return core::fail("its name cannot be looked up", "other names are still being asked for");
    }
    const auto lookup = std::make_shared<Lookup>();
    std::thread([host, port = std::to_string(port), lookup] {
        look_up_here(host, port, *lookup);
        --lookups;
    }).detach();
    std::unique_lock lock(lookup->mutex);
    if (!lookup->ended.wait_until(lock, deadline, [&] { return lookup->over; })) {
        return core::fail("its name cannot be looked up", "the name service does not answer in time");
    }
    if (lookup->addresses.empty()) {
        return core::fail("its name cannot be looked up", lookup->error);
    }
    return lookup->addresses;
}

}  // namespace appliance::guard
