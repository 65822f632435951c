// The promise of a fence, two thousand times on each way. From apply()'s return on no new connection gets through;
// after the unfence every one does. The refusal's speed is printed, not judged.
#include <algorithm>
#include <cinttypes>

#include "kernel.hpp"
#include "routed.hpp"
#include "tests/support/eventually.hpp"

namespace netfilter::test {
namespace {

constexpr int cycles = 2000;

struct Way {
    const char* name;
    const char* backend;
    bool forwarded;  // through the forward hook; else through the output hook
};

void PrintTo(const Way& way, std::ostream* out) {
    *out << way.name;
}

class EveryCycle : public Kernel, public testing::WithParamInterface<Way> {
protected:
    void SetUp() override {
        Kernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        if (GetParam().forwarded) {
            routed_.emplace();
            backend_.emplace(routed_->in_backend([] { return Listener(GetParam().backend); }));
        } else {
            backend_.emplace(GetParam().backend);
        }
    }

    Descriptor make_socket(bool blocking) {
        const auto make = [&] {
            const int kind = SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK);
            return Descriptor(socket(backend_->address().family(), kind, 0));
        };
        return routed_ ? routed_->in_client(make) : make();
    }

    // The errno of one connect, after its end.
    int connect_once(const Descriptor& socket) {
        sockaddr_storage storage{};
        const auto length = backend_->address().fill(storage);
        if (connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0) {
            return 0;
        }
        if (errno != EINPROGRESS) {
            return errno;
        }
        pollfd waited{socket.get(), POLLOUT, 0};
        int os_error = ETIMEDOUT;
        socklen_t size = sizeof os_error;
        if (poll(&waited, 1, 5000) == 1) {
            getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &os_error, &size);
        }
        return os_error;
    }

    std::optional<Routed> routed_;
    std::optional<Listener> backend_;
};
INSTANTIATE_TEST_SUITE_P(All, EveryCycle,
                         testing::Values(Way{"output_v4", "127.0.0.1", false}, Way{"output_v6", "::1", false},
                                         Way{"forward_v4", "10.2.0.2", true}, Way{"forward_v6", "fd02::2", true}),
                         [](const auto& way) { return way.param.name; });

TEST_P(EveryCycle, RefusesWhileFencedAndConnectsWhenNot) {
    // A link that was just set up may lose the first neighbour solicitations.
    ASSERT_TRUE(tests::support::eventually([&] {
        const auto first = make_socket(true);
        return connect_once(first) == 0 && backend_->accept().valid();
    }));
    std::vector<std::chrono::nanoseconds> times;
    const auto fence = make_fence(backend_->address());
    for (int cycle = 0; cycle < cycles; ++cycle) {
        const bool blocking = cycle % 2 == 0;
        apply({fence});
        const auto refused = make_socket(blocking);
        const auto start = std::chrono::steady_clock::now();
        ASSERT_EQ(connect_once(refused), ECONNREFUSED) << "cycle " << cycle;
        times.push_back(std::chrono::steady_clock::now() - start);
        apply({Unfence{backend_->address()}});
        const auto welcome = make_socket(blocking);
        ASSERT_EQ(connect_once(welcome), 0) << "cycle " << cycle;
        // A reset in place of an orderly end: 2 000 ports in TIME_WAIT would slow the search for a free one.
        const linger at_once{1, 0};
        setsockopt(welcome.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ASSERT_TRUE(backend_->accept().valid());
    }
    std::sort(times.begin(), times.end());
    const auto late =
        std::count_if(times.begin(), times.end(), [](auto each) { return each > std::chrono::milliseconds(1); });
    const auto microseconds = [&times](double share) {
        const auto at = static_cast<std::size_t>(share * static_cast<double>(times.size() - 1));
        return std::to_string(static_cast<double>(times[at].count()) / 1000);
    };
    std::printf("refused, %s: median %s us, p99 %s us, longest %s us, %td of %zu later than 1 ms\n", GetParam().name,
                microseconds(0.5).c_str(), microseconds(0.99).c_str(), microseconds(1).c_str(), late, times.size());
}

}  // namespace
}  // namespace netfilter::test
