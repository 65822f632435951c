#include "netfilter/nft/transaction.hpp"

#include <fmt/format.h>

#include <span>

namespace netfilter {
namespace {

class Printer {
public:
    Printer(const std::string& table, std::size_t element) : table_(table), element_(element) {}

    std::string operator()(const AddTable& add) const {
        if (add.table.comment.empty()) {
            return fmt::format("add table inet {}", table_);
        }
        return fmt::format("add table inet {} {{ comment \"{}\"; }}", table_, add.table.comment);
    }
    std::string operator()(const RemoveTable& remove) const {
        return fmt::format("add table inet {0}\ndelete table inet {0}", remove.name);
    }
    std::string operator()(const AddChain& add) const {
        const auto& chain = add.chain;
        const auto head = fmt::format("add chain inet {} {}", table_, chain.name);
        return chain.hook ? fmt::format("{} {{ {} }}", head, print_hook(*chain.hook)) : head;
    }
    std::string operator()(const AddMap& add) const {
        const auto& map = add.map;
        const char* kind = map.verdicts || !map.data.empty() ? "map" : "set";
        auto line = fmt::format("add {} inet {} {} {{ {};", kind, table_, map.name, print_type(map));
        if (map.size != 0) {
            line += fmt::format(" size {};", map.size);
        }
        if (const auto flags = print_flags(add.map); !flags.empty()) {
            line += fmt::format(" flags {};", flags);
        }
        if (map.timeout.count() != 0) {
            line += fmt::format(" timeout {};", print_timeout(map.timeout));
        }
        return line + (add.map.counters ? " counter; }" : " }");
    }
    std::string operator()(const AddRule& add) const {
        return fmt::format("add rule inet {} {} {}", table_, add.rule.chain, add.rule.text());
    }
    std::string operator()(const AddElements& add) const {
        return elements("create", add.map, std::span(add.elements),
                        [&add](const Element& element) { return element.text(add.map); });
    }
    std::string operator()(const RemoveElements& remove) const {
        return elements("delete", remove.map, std::span(remove.keys),
                        [&remove](const Key& key) { return print_key(key, remove.map.key); });
    }

private:
    template <typename Item, typename Print>
    std::string elements(const char* verb, const Map& map, std::span<const Item> items, Print print) const {
        if (element_ < items.size()) {
            items = items.subspan(element_, 1);
        }
        std::string list;
        for (const auto& item : items) {
            list += list.empty() ? "" : ", ";
            list += print(item);
        }
        return fmt::format("{} element inet {} {} {{ {} }}", verb, table_, map.name, list);
    }

    const std::string& table_;
    std::size_t element_;
};

constexpr std::size_t all = static_cast<std::size_t>(-1);

}  // namespace

std::string Transaction::text() const {
    std::string lines;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
        lines += text(i, all) + "\n";
    }
    return lines;
}

std::string Transaction::text(std::size_t operation, std::size_t element) const {
    return std::visit(Printer(table_, element), operations_.at(operation));
}

}  // namespace netfilter
