#include "appliance/cli/deploy/recipe_flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>

#include "appliance/config/file/header.hpp"
#include "appliance/config/model/recipe.hpp"
#include "appliance/config/values/placeholder.hpp"

namespace appliance::cli {
namespace {

using nlohmann::json;

// each_field's visitor that makes one option of each field.
class AddFlags {
public:
    AddFlags(CLI::App& command, json& settings) : command_(command), settings_(settings) {}

    void text(const char* key, const std::string& value, const char* help) {
        add(key, help, value, [](const std::string& text) { return json(text); })->type_name("TEXT");
    }
    void command(const char* key, const std::string& value, const char* help) {
        add(key, help, value, [key](const std::string& text) {
            check_command(flag_name(key), text);
            return json(text);
        })->type_name("TEXT");
    }
    void list(const char* key, const std::vector<std::string>& /*value*/, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&settings = settings_, key](const std::vector<std::string>& words) { settings[key] = words; }, help)
            ->delimiter(',')
            ->type_name("SERVER");
    }
    void headers(const char* key, const std::vector<std::string>& /*value*/, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&settings = settings_, key](const std::vector<std::string>& headers) {
                    for (const std::string& header : headers) {
                        if (const auto sound = config::check_header(header, "verify_host"); !sound) {
                            throw CLI::ValidationError(flag_name(key), sound.error().line());
                        }
                    }
                    settings[key] = headers;
                },
                help)
            ->type_name("HEADER");
    }
    void number(const char* key, std::int64_t value, std::int64_t min, std::int64_t max, const char* help) {
        command_
            .add_option_function<std::int64_t>(
                flag_name(key), [&settings = settings_, key](std::int64_t number) { settings[key] = number; },
                with_default(help, std::to_string(value)))
            ->check(CLI::Range(min, max).description(""))
            ->type_name("NUMBER");
    }
    void duration(const char* key, core::Milliseconds value, core::Milliseconds /*min*/, core::Milliseconds /*max*/,
                  const char* help) {
        add(key, help, core::base::print_duration(value), [key](const std::string& text) {
            if (const auto parsed = core::base::parse_duration(text); !parsed) {
                throw CLI::ValidationError(flag_name(key), parsed.error().line());
            }
            return json(text);
        })->type_name("DURATION");
    }
    void statuses(const char* key, const core::http::StatusSet& value, const char* help) {
        command_
            .add_option_function<std::vector<std::string>>(
                flag_name(key),
                [&settings = settings_, key](const std::vector<std::string>& members) {
                    if (!core::http::StatusSet::parse(members)) {
                        throw CLI::ValidationError(
                            flag_name(key), fmt::format("write statuses from 200 to 599, or classes such as 2xx, each "
                                                        "once and at most {}",
                                                        core::http::StatusSet::members_max));
                    }
                    settings[key] = members;
                },
                with_default(help, value.text()))
            ->delimiter(',')
            ->type_name("STATUS");
    }
    void flag(const char* key, bool /*value*/, const char* help) {
        command_.add_flag_callback(
            flag_name(key), [&settings = settings_, key] { settings[key] = true; }, help);
    }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum value, const config::Word<Enum> (&words)[size], const char* help) {
        std::string names;
        std::string preset;
        for (const auto& word : words) {
            names += (names.empty() ? "" : "|") + std::string(word.name);
            preset = word.value == value ? std::string(word.name) : preset;
        }
        add(key, help, preset, [key, &words, names](const std::string& text) {
            if (std::none_of(std::begin(words), std::end(words), [&](const auto& word) { return word.name == text; })) {
                throw CLI::ValidationError(flag_name(key), "'" + text + "' is none of " + names);
            }
            return json(text);
        })->type_name(names);
    }

private:
    static std::string flag_name(std::string key) {
        std::replace(key.begin(), key.end(), '_', '-');
        return "--" + key;
    }
    static std::string with_default(const std::string& help, const std::string& value) {
        return value.empty() ? help : help + " (" + value + ")";
    }
    template <typename Read>
    CLI::Option* add(const char* key, const char* help, const std::string& value, Read read) {
        return command_.add_option_function<std::string>(
            flag_name(key), [&settings = settings_, key, read](const std::string& text) { settings[key] = read(text); },
            with_default(help, value));
    }
    CLI::App& command_;
    json& settings_;
};

}  // namespace

void add_recipe_flags(CLI::App& app, json& settings) {
    static config::Recipe defaults;
    config::each_field(defaults, AddFlags(app, settings));
}

void check_command(const std::string& flag, const std::string& command) {
    if (const auto checked = config::check_placeholders(command); !checked) {
        throw CLI::ValidationError(flag, checked.error().line());
    }
}

// In whole: an author of commands could find two lists with digests that begin alike.
void add_yes_run(CLI::App& app, std::string& digest) {
    app.add_option_function<std::string>(
           "--yes-run",
           [&digest](const std::string& text) {
               constexpr std::size_t digits = 64;
               std::string given = text;
               std::transform(given.begin(), given.end(), given.begin(),
                              [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
               const bool hex =
                   std::all_of(given.begin(), given.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
               if (!hex || given.size() != digits) {
                   throw CLI::ValidationError("--yes-run",
                                              "it is no digest of 64 hexadecimal digits; "
                                              "gatehouse deploy status and plan print it whole");
               }
               digest = std::move(given);
           },
           "Run here the commands with this digest")
        ->type_name("DIGEST");
}

}  // namespace appliance::cli
