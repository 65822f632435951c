#include "appliance/cli/parser_weight.hpp"

#include <CLI/CLI.hpp>

#include "appliance/config/config.hpp"

namespace appliance::cli {

void add_weight(CLI::App& app, Options& options) {
    CLI::App& weight = *app.add_subcommand("weight", "How much of a pool's traffic servers get");
    weight.callback([&weight, &options] {
        options.command = Command::weight;
        if (weight.count("--set") + weight.count("--reset") == 0) {
            throw CLI::RequiredError("--set or --reset");
        }
    });
    weight.add_option("SERVER", options.servers, "The servers meant")->type_name("")->required();
    weight.add_option("--pool", options.pool, "Only in this pool; else in all")->type_name("POOL");
    auto* set = weight.add_option("--set", options.weight, "1 to 256, beside the others' of the pool");
    set->type_name("NUMBER")->check(CLI::Range(1U, static_cast<unsigned>(config::Bounds::weight)).description(""));
    weight
        .add_flag_callback(
            "--reset", [&options] { options.weight.reset(); }, "What the configuration says, again")
        ->excludes(set);
    weight.add_option("--why", options.why, "The reason, for the journal and for others")->type_name("TEXT");
    weight.add_flag("--json", options.json, "Print JSON for programs");
    weight.footer(
        "Example: gatehouse weight web1 web2 --set 4 --why 'web3 is new'\n"
        "A weight is 1 where nobody says another. Holds over restarts and reloads until\n"
        "--reset. What is under way stays where it is. To send a server nobody at all,\n"
        "fence it.");
}

}  // namespace appliance::cli
