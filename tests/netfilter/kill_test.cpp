// kill -9 of the fence process at any moment of ten thousand transactions. The kernel holds all of one or nothing of
// it, and never less than what was answered.
#include <sys/wait.h>

#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "kernel.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/client/helper_client.hpp"
#include "tests/support/any_redirect.hpp"

namespace netfilter::test {
namespace {

constexpr int transactions = 10'000;
constexpr int life_max_us = 80'000;

// Fences in every map, so that one transaction is many messages, each possibly the last one before the kill.
std::vector<Change> make_changes(int number) {
    std::vector<Change> changes;
    for (const auto* backend : {"10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80", "[fd00::2]:80"}) {
        for (const auto scope : {Scope::fresh, Scope::all}) {
            auto fence = make_fence(*Address::parse(backend));
            fence.backend = fence.backend.with_port(scope == Scope::fresh ? 80 : 81);
            fence.scope = scope;
            fence.mode = number % 2 == 0 ? Mode::reset : Mode::drop;
            fence.id = std::to_string(number);
            changes.emplace_back(fence);
        }
    }
    return changes;
}

class KillTest : public Kernel {
protected:
    // A fence process of its own, with its end of a link.
    pid_t start(Descriptor& link) {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            auto manager = FenceManager::open();
            _exit(manager && serve(ends[1], *manager, tests::support::allow_any_redirect) ? 0 : 1);
        }
        close(ends[1]);
        link.reset(ends[0]);
        return child;
    }

    // Applies one after the other until the process dies; returns the number of the last answered one.
    static int apply_until_killed(HelperClient& client, int done) {
        for (;;) {
            if (const auto applied = client.apply(make_changes(done + 1)); !applied) {
                EXPECT_EQ(applied.error().os_error, EPIPE) << applied.error().line();
                return done;
            }
            ++done;
        }
    }
};

TEST_F(KillTest, LeavesAllOfATransactionOrNothing) {
    std::mt19937 chance(std::random_device{}());
    int done = 0;
    int kills = 0;
    int unanswered = 0;
    apply(make_changes(done));
    while (done < transactions && !HasFailure()) {
        Descriptor link;
        const pid_t child = start(link);
        HelperClient client(std::move(link), std::chrono::seconds(20));
        ASSERT_TRUE(client.ping());
        std::thread killer([child, life = std::chrono::microseconds(chance() % life_max_us)] {
            std::this_thread::sleep_for(life);
            kill(child, SIGKILL);
        });
        done = apply_until_killed(client, done);
        killer.join();
        ASSERT_EQ(waitpid(child, nullptr, 0), child);
        ++kills;
        std::set<std::string> ids;
        const auto fences = list();
        for (const auto& fence : fences) {
            ids.insert(fence.id);
        }
        ASSERT_EQ(fences.size(), make_changes(done).size()) << "after " << done;
        ASSERT_EQ(ids.size(), 1U) << "a part of transaction " << done + 1;
        const bool went_through = *ids.begin() == std::to_string(done + 1);
        ASSERT_TRUE(went_through || *ids.begin() == std::to_string(done)) << *ids.begin() << " after " << done;
        unanswered += went_through ? 1 : 0;
        done += went_through ? 1 : 0;
    }
    std::printf("%d transactions, %d kills, %d of them between a commit and its answer\n", done, kills, unanswered);
}

}  // namespace
}  // namespace netfilter::test
