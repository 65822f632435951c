#include "appliance/config/model/link_fields.hpp"

#include "appliance/config/model/config.hpp"

namespace appliance::config {
namespace {

// Each item of a list of texts, as parse() makes a value of it.
template <typename Value, typename Parse>
std::vector<Value> read_each(const nlohmann::json& object, const char* key, std::size_t most, Parse parse) {
    std::vector<Value> values;
    for (const std::string& text : link::read_texts(object, key, most)) {
        const core::Result<Value> value = parse(text);
        values.push_back(value ? *value : throw link::Malformed(key, value.error().what));
    }
    return values;
}

}  // namespace

void ToLink::networks(const char* key, const std::vector<core::Network>& value, const char* /*help*/) {
    nlohmann::json& list = object_[key] = nlohmann::json::array();
    for (const core::Network& network : value) {
        list.push_back(network.text());
    }
}

void ToLink::addresses(const char* key, const std::vector<core::Address>& value, const char* /*help*/) {
    nlohmann::json& list = object_[key] = nlohmann::json::array();
    for (const core::Address& address : value) {
        list.push_back(address.host());
    }
}

void FromLink::headers(const char* key, std::vector<std::string>& value, const char* /*help*/) {
    value = link::read_texts(object_, key, Bounds::headers);
}

void FromLink::duration(const char* key, core::Milliseconds& value, core::Milliseconds min, core::Milliseconds max,
                        const char* /*help*/) {
    const core::Milliseconds read = link::read_ms(object_, key);
    value = read >= min && read <= max ? read : throw link::Malformed(key, "is out of its bounds");
}

void FromLink::statuses(const char* key, core::http::StatusSet& value, const char* /*help*/) {
    auto read = core::http::StatusSet::parse(link::read_texts(object_, key, core::http::StatusSet::members_max));
    value = read ? std::move(*read) : throw link::Malformed(key, "names no statuses");
}

void FromLink::networks(const char* key, std::vector<core::Network>& value, const char* /*help*/) {
    value = read_each<core::Network>(object_, key, Bounds::networks,
                                     [](const std::string& text) { return core::Network::parse(text); });
}

void FromLink::addresses(const char* key, std::vector<core::Address>& value, const char* /*help*/) {
    value = read_each<core::Address>(object_, key, Bounds::sources,
                                     [](const std::string& text) { return core::Address::parse_host(text, 0); });
}

}  // namespace appliance::config
