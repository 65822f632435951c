// Waiting: an order that may take long, told about while it does. The order is one request: its answer says what was
// waited for. Other requests ask for what is told meanwhile. Lines go to standard error.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "appliance/cli/client/outcome.hpp"
#include "appliance/cli/client/request.hpp"
#include "appliance/cli/terminal/interrupts.hpp"

namespace appliance::cli {

// What is said of one thing, such as a server. It is printed when it is another than before.
struct Telling {
    std::string about;
    std::string line;
};

struct Witness {
    // What can be seen now; about once a second while the order waits.
    std::function<std::vector<Telling>()> look;
    // After Ctrl-C: one line that says what stands now, as the daemon has it.
    std::function<std::string()> stands;
};

// Prints tellings that are news.
class Teller {
public:
    void tell(const std::vector<Telling>& tellings);

private:
    std::map<std::string, std::string> told_;
};

// How long the daemon may take to say what it sees, and what stands.
inline constexpr std::chrono::milliseconds look_patience{1'000};
// Until the first look: most orders are carried out sooner, and need no words.
inline constexpr std::chrono::milliseconds first_look{300};
inline constexpr std::chrono::milliseconds next_look{1'000};

// Sends the order and waits for its answer. Nothing where a signal came first: outcome is what is left to say then,
// with the code of shells, 128 + signal. The order goes on in the daemon; the thread that waits for its answer is left
// behind and ends with the process.
std::optional<core::Result<api::Answer>> send_and_tell(const Request& request, const api::Client& client,
                                                       const Witness& witness, Interrupts& interrupts,
                                                       Outcome& outcome);

// What a signal leaves to say: what stands, and the code.
Outcome interrupted_by(int signal, const Witness& witness);

}  // namespace appliance::cli
