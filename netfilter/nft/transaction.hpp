// Transaction: changes that the kernel makes all at once or not at all. A value that prints as nft text. It can be
// built, compared and printed without a kernel; commit.hpp sends it to one.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "netfilter/nft/objects.hpp"

namespace netfilter {

// No error when the table exists with the same flags.
struct AddTable {
    Table table;
};
// No error when the table does not exist.
struct RemoveTable {
    std::string name;
};
struct AddChain {
    Chain chain;
};
struct AddMap {
    Map map;
};
// Appends the rule to its chain.
struct AddRule {
    Rule rule;
};
// Error EEXIST when the map already holds one of the keys.
struct AddElements {
    Map map;
    std::vector<Element> elements;
};
// With Capabilities::destroy, a missing element is no error. That matters because elements may expire between our read
// and our change.
struct RemoveElements {
    Map map;
    std::vector<Key> keys;
};

using Operation = std::variant<AddTable, RemoveTable, AddChain, AddMap, AddRule, AddElements, RemoveElements>;

class Transaction {
public:
    // Everything in a transaction happens in one table.
    explicit Transaction(std::string table) : table_(std::move(table)) {}

    void add(Operation operation) { operations_.push_back(std::move(operation)); }
    [[nodiscard]] bool empty() const { return operations_.empty(); }
    [[nodiscard]] const std::string& table() const { return table_; }
    [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }

    // One line for each operation, as `nft -f` takes it.
    [[nodiscard]] std::string text() const;
    // The line of one operation, or of its one element where `element` is below its number of elements.
    [[nodiscard]] std::string text(std::size_t operation, std::size_t element) const;

private:
    std::string table_;
    std::vector<Operation> operations_;
};

}  // namespace netfilter
