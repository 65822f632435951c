// `gatehouse resolve`: resolves a name on the daemon's machine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/commands/diagnosis.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

class ResolveCommand : public Diagnosis {
public:
    using Diagnosis::Diagnosis;

    void declare(CLI::App& app, Common& common) override {
        declare_target(app, common, "NAME", "The name");
        app.footer("Example: gatehouse resolve calendar.example.org");
    }
    [[nodiscard]] Request request() const override { return diagnose("resolve", {{"name", target()}}); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        std::string out;
        for (const Json& address : items(body, "addresses")) {
            out += paragraph(address.is_string() ? address.get<std::string>() : "", screen.style);
        }
        return out.empty() ? out : out + paragraph("found after " + print_ms(body, "ms"), screen.style);
    }

private:
    [[nodiscard]] std::string why_not(const Json& body) const override {
        return field(body, "resolved") == true ? std::string()
                                               : fmt::format("cannot resolve {}: {} (after {})", text(body, "name"),
                                                             text(body, "error"), print_ms(body, "ms"));
    }
};

}  // namespace

extern const Maker make_resolve = make<ResolveCommand>;

}  // namespace appliance::cli
