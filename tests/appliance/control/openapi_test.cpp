// docs/openapi.json against what the code does: the same routes, roles and fields, in both directions.
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "appliance/config/model/recipe.hpp"
#include "tests/appliance/control/memory_fixture.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

const json& description() {
    static const json parsed = json::parse(std::ifstream(SOURCE_DIR "/docs/openapi.json"));
    return parsed;
}

const json& body_of(const json& operation) {
    return operation.at("requestBody").at("content").at("application/json").at("schema");
}

std::string method_in_lower_case(std::string_view method) {
    return method == "GET" ? "get" : method == "PUT" ? "put" : "post";
}

TEST(OpenApi, DescribesEachRouteAndNoOther) {
    std::set<std::string> served;
    std::set<std::string> described;
    for (const Route& route : routes()) {
        served.insert(method_in_lower_case(route.method) + " " + std::string(route.path) + " " +
                      std::string(config::print(route.role)));
    }
    for (const auto& [path, operations] : description().at("paths").items()) {
        for (const auto& [method, operation] : operations.items()) {
            described.insert(method + " " + path + " " + operation.at("x-role").get<std::string>());
        }
    }
    EXPECT_EQ(served, described);
}

// Every field that is asked for is one that the route reads: of the wrong type, it is refused.
class OpenApiFields : public ControlInMemory {
protected:
    static json right(const json& schema) {
        if (schema.contains("enum")) {
            return schema["enum"][0];
        }
        const std::string type = schema["type"];
        return type == "array"     ? json::array({schema["items"]["type"] == "string" ? json("web1") : json::object()})
               : type == "integer" ? schema.value("minimum", json(0))
               : type == "boolean" ? json(true)
               : schema.value("format", "") == "date-time" ? json("2036-11-22T14:00:00Z")
               : schema.contains("pattern")                ? json("1s")
                                                           : json("x");
    }
};

TEST_F(OpenApiFields, AreRefusedWhereTheyAreOfTheWrongType) {
    for (const auto& [path, operations] : description()["paths"].items()) {
        if (!operations.contains("post")) {
            continue;
        }
        const json& schema = body_of(operations["post"]);
        for (const auto& [name, field] : schema["properties"].items()) {
            json body = json::object();
            for (const json& required : schema.value("required", json::array())) {
                body[required.get<std::string>()] = right(schema["properties"][required.get<std::string>()]);
            }
            body[name] = json::object({{"wrong", "type"}});
            const auto reply = ask({"POST", path, {}, body.dump(), {0, 1, "root"}});
            EXPECT_EQ(reply.status, 400) << path << " with a wrong " << name << ": " << reply.body;
        }
    }
}

TEST_F(OpenApiFields, ThatAreRequiredAreMissed) {
    for (const auto& [path, operations] : description()["paths"].items()) {
        if (operations.contains("post") && body_of(operations["post"]).contains("required")) {
            EXPECT_EQ(ask({"POST", path, {}, "{}", {0, 1, "root"}}).status, 400) << path;
        }
    }
}

// each_field's visitor that makes the schema of each.
struct Describe {
    json fields = json::object();

    void add(const char* key, json schema, const char* help) {
        schema["description"] = std::string(help) + ".";
        fields[key] = std::move(schema);
    }
    void text(const char* key, const std::string& /*value*/, const char* help) { add(key, {{"type", "string"}}, help); }
    void command(const char* key, const std::string& value, const char* help) { text(key, value, help); }
    void list(const char* key, const std::vector<std::string>& /*value*/, const char* help) {
        add(key, {{"type", "array"}, {"items", {{"type", "string"}}}}, help);
    }
    void headers(const char* key, const std::vector<std::string>& value, const char* help) { list(key, value, help); }
    void number(const char* key, std::int64_t /*value*/, std::int64_t min, std::int64_t max, const char* help) {
        add(key, {{"type", "integer"}, {"minimum", min}, {"maximum", max}}, help);
    }
    void duration(const char* key, core::Milliseconds /*value*/, core::Milliseconds /*min*/, core::Milliseconds /*max*/,
                  const char* help) {
        add(key, {{"type", "string"}, {"pattern", "^[0-9]+(ms|s|m|h|d)( ?[0-9]+(ms|s|m|h|d))*$"}}, help);
    }
    void statuses(const char* key, const core::http::StatusSet& /*value*/, const char* help) {
        json one{{"type", json::array({"integer", "string"})},
                 {"pattern", "^[2-5]([0-9]{2}|xx)$"},
                 {"minimum", 200},
                 {"maximum", 599}};
        json list{{"type", "array"}, {"items", one}, {"minItems", 1}, {"maxItems", core::http::StatusSet::members_max}};
        add(key, {{"anyOf", {std::move(one), std::move(list)}}}, help);
    }
    void flag(const char* key, bool /*value*/, const char* help) { add(key, {{"type", "boolean"}}, help); }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum /*value*/, const config::Word<Enum> (&words)[size], const char* help) {
        json names = json::array();
        for (const auto& word : words) {
            names.push_back(word.name);
        }
        add(key, {{"enum", std::move(names)}}, help);
    }
};

TEST(OpenApi, HasTheFieldsOfARecipe) {
    Describe recipe;
    const config::Recipe plain;
    config::each_field(plain, recipe);
    json described = body_of(description()["paths"]["/v1/deploy"]["post"])["properties"];
    for (const char* of_the_order :
         {"recipe", "strategy", "dry_run", "override", "commands_digest", "at", "expires_ms", "why", "claimed_by"}) {
        EXPECT_EQ(described.erase(of_the_order), 1U) << of_the_order;
    }
    EXPECT_EQ(described, recipe.fields);
}

}  // namespace
}  // namespace appliance::control
