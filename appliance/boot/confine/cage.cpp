#include "appliance/boot/confine/cage.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <future>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "appliance/boot/confine/privileges.hpp"
#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/boot/process/spawn.hpp"
#include "core/base/descriptor.hpp"
#include "core/io/completion.hpp"
#include "core/io/restrictions.hpp"

namespace appliance::boot {
namespace {

constexpr std::string_view cage_word = "--cage";

// The result of one entry, as the kernel gives it.
struct Answer final : core::io::Completion {
    Answer() : Completion(&take) {}
    static void take(Completion& self, int result, std::uint32_t /*flags*/) {
        static_cast<Answer&>(self).result = result;
        static_cast<Answer&>(self).came = true;
    }
    int result = 0;
    bool came = false;
};

int submit(core::io::Loop& loop, unsigned operation, unsigned flags) {
    Answer answer;
    io_uring_sqe* entry = loop.entry(answer);  // cleared but for its address
    entry->opcode = static_cast<__u8>(operation);
    entry->flags = static_cast<__u8>(flags);
    entry->fd = -1;
    loop.run_until([&answer] { return answer.came; });
    return answer.result;
}

bool used(unsigned operation) {
    const auto all = core::io::ring_operations();
    return std::any_of(all.begin(), all.end(), [operation](const auto& one) { return one.number == operation; });
}

// A thread from before the second filter, as workers are: a filter for the calling thread alone would not confine it.
class Bystander {
public:
    Bystander()
        : thread_([this] {
              go_.get_future().wait();
              const long made = ::syscall(SYS_io_uring_setup, 8, nullptr);
              answer_.set_value(made < 0 ? errno : 0);
          }) {}
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    ~Bystander() { thread_.join(); }

    Attempt attempt() {
        go_.set_value();
        const int error = answer_.get_future().get();
        return {"a new ring, by a thread of before", error == EPERM, error == EPERM ? "" : ::strerrorname_np(error)};
    }

private:
    std::promise<void> go_;
    std::promise<int> answer_;
    std::thread thread_;
};

core::Result<std::vector<Attempt>> try_inside(Role role, const Account& account, Surroundings around) {
    if (auto ready = drop_privileges(role, account).and_then([role] { return confine(role, {"/tmp"}); }); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    if (role != Role::proxy) {
        return try_calls(role, around);
    }
    auto loop = core::io::Loop::create({.entries = 64, .completions = 256, .buffers = {.count = 4, .published = 1}});
    if (!loop) {
        return tl::unexpected(std::move(loop.error()));
    }
    Bystander bystander;
    const auto shut = shut_rings();
    std::vector<Attempt> attempts{bystander.attempt()};
    if (!shut) {
        return tl::unexpected(shut.error());
    }
    around.loop = loop->get();
    const auto calls = try_calls(role, around);
    const auto entries = try_ring(**loop);
    attempts.insert(attempts.end(), calls.begin(), calls.end());
    attempts.insert(attempts.end(), entries.begin(), entries.end());
    return attempts;
}

// Prints one line for each attempt. The child can do little more than write.
std::string print(const std::vector<Attempt>& attempts) {
    std::string text;
    for (const Attempt& one : attempts) {
        text += fmt::format("{}\t{}\t{}\n", one.refused ? "refused" : "open", one.what, one.found);
    }
    return text + "end\n";
}

core::Result<std::vector<Attempt>> read(std::string_view text, std::string_view what) {
    std::vector<Attempt> attempts;
    while (!text.starts_with("end\n")) {
        const auto line = text.substr(0, text.find('\n'));
        const auto first = line.find('\t');
        const auto second = line.find('\t', first + 1);
        if (line.size() == text.size() || second == std::string_view::npos) {
            return core::fail("cannot try the sandbox of " + std::string(what),
                              text.empty() ? "its process has ended" : std::string(line));
        }
        attempts.push_back({std::string(line.substr(first + 1, second - first - 1)), line.starts_with("refused"),
                            std::string(line.substr(second + 1))});
        text.remove_prefix(line.size() + 1);
    }
    return attempts;
}

[[noreturn]] void run_inside(Role role, const Account& account, int output, pid_t other) {
    const auto attempts = try_inside(role, account, {.other = other, .pipe = output});
    std::string text = attempts ? print(*attempts) : attempts.error().line() + "\n";
    while (!text.empty()) {
        const ssize_t wrote = ::write(output, text.data(), text.size());
        if (wrote <= 0) {
            break;
        }
        text.erase(0, static_cast<std::size_t>(wrote));
    }
    ::_exit(0);
}

}  // namespace

std::vector<Attempt> try_ring(core::io::Loop& loop) {
    std::vector<Attempt> attempts;
    const auto attempt = [&attempts](std::string what, int result) {
        const bool refused = result == -EACCES;
        attempts.push_back({std::move(what), refused, refused ? "" : "the ring answered " + std::to_string(result)});
    };
    for (unsigned operation = 0; operation < IORING_OP_LAST; ++operation) {
        if (!used(operation)) {
            attempt(fmt::format("ring operation {}", operation), submit(loop, operation, 0));
        }
    }
    for (const unsigned flag : {IOSQE_FIXED_FILE, IOSQE_IO_DRAIN, IOSQE_IO_LINK, IOSQE_IO_HARDLINK, IOSQE_ASYNC}) {
        attempt(fmt::format("ring entry with flag {:#x}", flag), submit(loop, IORING_OP_NOP, flag));
    }
    return attempts;
}

core::Result<std::vector<Attempt>> try_cage(Role role, const Account& account) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe(ends.data()) != 0) {
        return core::fail_os("cannot make a pipe", errno);
    }
    core::base::Descriptor output(ends[0]);
    core::base::Descriptor input(ends[1]);
    const pid_t other = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return core::fail_os("cannot start another process", errno);
    }
    if (pid == 0) {
        run_inside(role, account, input.get(), other);
    }
    input.reset();
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(output.get(), part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return text.empty()
               ? core::fail("cannot try the sandbox of " + std::string(boot::print(role)), describe_exit(status))
               : read(text, boot::print(role));
}

bool is_cage(int argc, const char* const* argv) noexcept {
    return argc == 2 && argv[1] == cage_word;
}

int run_cage() {
    if (sanitized()) {
        fmt::print(stderr, "gatehouse: cannot try the sandbox: a build with sanitizers has none\n");
        return 1;
    }
    const auto account = choose_account("nobody");
    if (!account) {
        fmt::print(stderr, "gatehouse: {}\n", account.error().line());
        return 1;
    }
    int code = 0;
    for (const Role role : {Role::proxy, Role::control, Role::fence}) {
        const auto attempts = try_cage(role, *account);
        if (!attempts) {
            fmt::print(stderr, "gatehouse: {}\n", attempts.error().line());
            code = 1;
            continue;
        }
        std::size_t refused = 0;
        for (const Attempt& one : *attempts) {
            refused += one.refused ? 1 : 0;
            if (!one.refused) {
                fmt::print("{}: not refused: {} ({})\n", boot::print(role), one.what, one.found);
                code = 1;
            }
        }
        fmt::print("{}: {} of {} refused\n", boot::print(role), refused, attempts->size());
    }
    return code;
}

}  // namespace appliance::boot
