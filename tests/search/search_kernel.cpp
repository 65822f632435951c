#include "tests/search/search_kernel.hpp"

#include <cerrno>

namespace tests::search {
namespace {

bool take(std::atomic<unsigned>& left) {
    unsigned now = left.load();
    while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
    }
    return now > 0;
}

}  // namespace

core::Result<std::uint32_t> SearchKernel::generation() {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.generation();
}

core::Result<netfilter::Snapshot> SearchKernel::snapshot(std::string_view table, netfilter::Depth depth) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.snapshot(table, depth);
}

core::Result<std::optional<netfilter::Element>> SearchKernel::element(std::string_view table, std::string_view map,
                                                                      const netfilter::Key& key) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.element(table, map, key);
}

netfilter::Commit SearchKernel::commit(const netfilter::Transaction& transaction,
                                       std::optional<std::uint32_t> generation) {
    const std::lock_guard lock(truth_.mutex);
    if (transaction.empty()) {
        return kernel_.commit(transaction, generation);
    }
    if (truth_.crashed) {
        return {netfilter::Outcome::rejected, EIO, {}, {}};
    }
    truth_.look_at_kernel(true);  // a fence that has run out is not announced, and this may hide it
    if (take(troubles_.spare)) {
        netfilter::Commit spared = kernel_.commit(transaction, generation);
        truth_.look_at_kernel(true);
        return spared;
    }
    if (take(troubles_.refuse)) {
        truth_.tell("kernel: refuses a commit");
        return {netfilter::Outcome::rejected, EBUSY, {}, {}};
    }
    if (take(troubles_.vanish)) {
        truth_.tell("kernel: a commit is not made, and its answer is lost");
        return {netfilter::Outcome::unknown, ENOBUFS, {}, {}};
    }
    netfilter::Commit done = kernel_.commit(transaction, generation);
    if (done.outcome == netfilter::Outcome::committed) {
        truth_.look_at_kernel(true);
        if (take(troubles_.unknown)) {
            truth_.tell("kernel: a commit is made, and its answer is lost");
            return {netfilter::Outcome::unknown, ENOBUFS, {}, {}};
        }
    }
    return done;
}

netfilter::Commit SearchKernel::check(const netfilter::Transaction& transaction) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.check(transaction);
}

core::Result<netfilter::Reaped> SearchKernel::reap(const netfilter::Destination& destination) {
    const std::lock_guard lock(truth_.mutex);
    if (take(troubles_.refuse_reap)) {
        truth_.tell("kernel: cannot end what is in flight");
        return core::fail_os("cannot end established connections", EPERM);
    }
    auto& line = truth_.flying[destination.backend.text()];
    const unsigned ended = line.now();
    line.set(truth_.step(), 0);
    return netfilter::Reaped{.sockets = ended, .forwarded = 0};
}

core::Result<std::uint64_t> SearchKernel::count_redirected(const netfilter::Destination& destination) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.count_redirected(destination);
}

core::Result<netfilter::Forwarding> SearchKernel::forwarding(bool v4) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.forwarding(v4);
}

core::Result<void> SearchKernel::set_forwarding(bool v4, const netfilter::Forwarding& wanted) {
    const std::lock_guard lock(truth_.mutex);
    return kernel_.set_forwarding(v4, wanted);
}

}  // namespace tests::search
