// Command: one verb of the command line. Each has a file of its own in commands/ and one row in command_table.cpp.
//
// The parser makes every command and has it declare its arguments; the one that the command line names is run. All of
// it happens on the main thread.
#pragma once

#include <memory>
#include <string>

#include "appliance/cli/client/common.hpp"
#include "appliance/cli/client/outcome.hpp"
#include "appliance/cli/client/request.hpp"
#include "appliance/cli/terminal/style.hpp"
#include "appliance/cli/terminal/view.hpp"

namespace CLI {
class App;
}

namespace appliance::cli {

class Command {
public:
    // common outlives the command.
    explicit Command(const Common& common) : common_(common) {}
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    virtual ~Command() = default;

    // Adds its options, which write into common and into its own members, and its example; app has --json already.
    virtual void declare(CLI::App& app, Common& common) = 0;
    // What no single option can say. Throws CLI::Error: the command line is wrong.
    virtual void check() const {}
    // Does it. Returns the exit code, of finish where that has printed the outcome.
    virtual int run(const Finish& finish) = 0;

    // Speaks to no daemon, so --host means nothing to it.
    [[nodiscard]] virtual bool is_local() const { return false; }
    // Is the daemon: it prints no JSON and keeps SIGPIPE as it is.
    [[nodiscard]] virtual bool is_daemon() const { return false; }

protected:
    [[nodiscard]] const Common& common() const noexcept { return common_; }

private:
    const Common& common_;
};

// Makes a command. Each command's file defines one for its row in the table.
using Maker = std::unique_ptr<Command> (*)(const Common& common);
template <typename Type, typename... Arguments>
std::unique_ptr<Command> make(const Common& common, Arguments... arguments) {
    return std::make_unique<Type>(common, arguments...);
}

// What an answer is shown with.
struct Screen {
    core::WallTime now{};
    Style style{};
};

// A command that asks the daemon one thing and shows the answer. All but run() is pure.
class Query : public Command {
public:
    using Command::Command;

    [[nodiscard]] virtual Request request() const = 0;
    // The answer's object for a terminal; without an override as JSON.
    [[nodiscard]] virtual std::string show(const Json& body, const Screen& screen) const;
    // Of a success: show() or JSON, done, and what the daemon remarks. Override it where an answer may be no success.
    [[nodiscard]] virtual Outcome present(const Json& body, const Screen& screen) const;
    // Of any answer. Override it where the answer is no JSON object.
    [[nodiscard]] virtual Outcome outcome(const api::Answer& answer, const Screen& screen) const;

    int run(const Finish& finish) override;
};

// A screen of this moment and of standard output.
Screen screen_now();

}  // namespace appliance::cli
