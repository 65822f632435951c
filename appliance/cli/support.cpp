#include "appliance/cli/support.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/request.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::cli {
namespace {

core::Result<void> write_new(const std::string& file, std::string_view text) {
    const core::base::Descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    while (fd.valid() && !text.empty()) {
        const ssize_t count = ::write(fd.get(), text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            break;
        }
        text.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    if (!text.empty()) {
        return core::fail_os(fmt::format("cannot write {}", file), errno, "name another file with --output");
    }
    return {};
}

// gatehouse-support-20261122T140305Z.json: names sort by time, and hold nothing that a file system minds.
std::string name_for(core::WallTime now) {
    std::string time = core::base::print_time(now);
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("gatehouse-support-{}.json", time);
}

}  // namespace

Outcome support(const Options& options) {
    const auto answer = send(request_for(options, {}), options);
    if (!answer) {
        return outcome_of(answer.error());
    }
    const auto document = nlohmann::ordered_json::parse(answer->body, nullptr, false);
    if (answer->status != 200 || options.json || !document.is_object()) {
        Options plain = options;
        plain.json = true;
        return outcome_of(*answer, plain, core::base::wall_now(), terminal_style());
    }
    const std::string text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    const std::string file = options.output.empty() ? name_for(core::base::wall_now()) : options.output;
    if (const auto written = write_new(file, text); !written) {
        return {failed, {}, fmt::format("gatehouse: {}\n", clean(written.error().line()))};
    }
    return {done,
            fmt::format("{}\nSecrets are blotted out by their names; look through it before it leaves.\n", clean(file)),
            {}};
}

}  // namespace appliance::cli
