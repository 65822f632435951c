#include "appliance/cli/client/waiting.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

// Shared with the thread that waits for the answer, and left to it after Ctrl-C.
struct Pending {
    core::base::Descriptor answered{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::optional<core::Result<api::Answer>> answer;  // complete when answered is readable
};

}  // namespace

void Teller::tell(const std::vector<Telling>& tellings) {
    for (const Telling& telling : tellings) {
        std::string& told = told_[telling.about];
        if (told != telling.line) {
            told = telling.line;
            complain(told);
        }
    }
}

Outcome interrupted_by(int signal, const Witness& witness) {
    return {128 + signal, {}, fmt::format("gatehouse: {}\n", clean(witness.stands()))};
}

std::optional<core::Result<api::Answer>> send_and_tell(const Request& request, const api::Client& client,
                                                       const Witness& witness, Interrupts& interrupts,
                                                       Outcome& outcome) {
    const auto pending = std::make_shared<Pending>();
    std::thread([pending, request, client] {
        pending->answer = send(request, client);
        ::eventfd_write(pending->answered.get(), 1);
    }).detach();
    Teller teller;
    for (auto patience = first_look;; patience = next_look) {
        const int signal = interrupts.wait(patience, pending->answered.get());
        // The answer is read first: an order that has just been carried out is not told as interrupted.
        eventfd_t answered = 0;
        if (::eventfd_read(pending->answered.get(), &answered) == 0) {
            return std::move(pending->answer);
        }
        if (signal != 0) {
            outcome = interrupted_by(signal, witness);
            return std::nullopt;
        }
        teller.tell(witness.look());
    }
}

}  // namespace appliance::cli
