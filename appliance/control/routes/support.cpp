#include "appliance/control/routes/support.hpp"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>

#include "appliance/base/bounded_json.hpp"
#include "appliance/control/diagnose/machine.hpp"
#include "appliance/control/diagnose/redact.hpp"
#include "appliance/control/observe/metrics.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t audit_entries = 200;

Json or_error(const Outcome<Json>& outcome) {
    return outcome ? *outcome : Json{{"error", outcome.error().error.line()}};
}

Json view_configuration(Control& control) {
    const auto text = control.configuration(Edition::current);
    Json view{{"file", control.config()->file.string()}};
    if (text) {
        view["text"] = *text;
    } else {
        view["error"] = text.error().error.line();
    }
    return view;
}

}  // namespace

Json last_lines(Events& events, std::uint64_t count) {
    const auto kept = events.after(0, core::Milliseconds{0}).events;
    const std::size_t skipped = kept.size() > count ? kept.size() - static_cast<std::size_t>(count) : 0;
    Json lines = Json::array();
    std::for_each(kept.begin() + static_cast<std::ptrdiff_t>(skipped), kept.end(), [&](const Events::Event& event) {
        lines.push_back(base::parse_json<Json>(event.line, base::wide_bounds));
    });
    return {{"lines", std::move(lines)}, {"more", skipped > 0}};
}

Json support(const Services& services) {
    Control& control = services.control;
    utsname kernel{};
    ::uname(&kernel);
    struct sysinfo machine {};
    ::sysinfo(&machine);
    const auto now = core::base::wall_now();
    Json document{{"made", core::base::print_time(now)},
                  {"version", GATEHOUSE_VERSION},
                  {"kernel", std::string(kernel.release) + " " + kernel.version},
                  {"machine", kernel.machine},
                  {"up_since", core::base::print_time(now - std::chrono::seconds(machine.uptime))},
                  {"host", view_machine()},
                  {"status", control.status()},
                  {"rules", or_error(control.rules())},
                  {"metrics", view_metrics(control.metrics())["metrics"]},
                  {"maintenance", control.maintenance()},
                  {"firewall", control.firewall()},
                  {"refusals", control.refusals()}};
    const auto audit = services.audit.last(audit_entries);
    document["audit"] = audit ? view_audit(*audit)["entries"] : Json{{"error", audit.error().line()}};
    document["log"] = last_lines(control.events(), log_lines_max)["lines"];
    document["configuration"] = view_configuration(control);
    return redact(std::move(document));
}

}  // namespace appliance::control
