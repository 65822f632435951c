#include "netfilter/redirector.hpp"

#include <algorithm>

#include "netfilter/redirect_table.hpp"

namespace netfilter {
namespace {

// Another program can commit between our look and our change; not for ever.
constexpr int redirect_attempts_max = 10;
constexpr const char* what = "cannot redirect connections in the kernel";

// How to come from what was found to that.
Transaction step_to(const Snapshot& found, std::span<const Redirect> redirects) {
    return found.table || !redirects.empty() ? difference(found, redirect_table(redirects))
                                             : Transaction{std::string(redirect_table_name)};
}

}  // namespace

core::Result<Before> Redirector::put(std::span<const Redirect> redirects) {
    if (auto valid = validate(redirects); !valid) {
        return tl::unexpected(valid.error());
    }
    const auto generation = kernel_.generation();
    if (!generation) {
        return tl::unexpected(generation.error());
    }
    if (made_ && std::equal(made_->begin(), made_->end(), redirects.begin(), redirects.end()) &&
        sound_at_ == *generation) {
        return Before::wanted;
    }
    sound_at_.reset();
    Before before = Before::wanted;
    for (int attempt = 0; attempt < redirect_attempts_max; ++attempt) {
        const auto done = try_put(redirects, before);
        if (!done) {
            return tl::unexpected(done.error());
        }
        if (*done) {
            made_.emplace(redirects.begin(), redirects.end());
            return before;
        }
    }
    return core::fail(what, "what was made is not what is read back",
                      "find the program that changes it (nft monitor); if there is none, report the output of: "
                      "nft list table inet gatehouse_redirect");
}

Before Redirector::judge(const Snapshot& found) const {
    if (!made_) {
        return Before::unknown;
    }
    return step_to(found, *made_).empty() ? Before::made : Before::foreign;
}

// True when the kernel holds what is wanted; false when something was done about it, or somebody was faster.
core::Result<bool> Redirector::try_put(std::span<const Redirect> redirects, Before& before) {
    const auto found = kernel_.snapshot(redirect_table_name, Depth::elements);
    if (!found) {
        return tl::unexpected(found.error());
    }
    const Transaction transaction = step_to(*found, redirects);
    // What was foreign once stays so, also where a later look finds our own.
    const Before judged = judge(*found);
    if (judged == Before::foreign) {
        before = judged;
    }
    if (transaction.empty()) {
        sound_at_ = found->generation;
        return true;
    }
    const auto result = kernel_.commit(transaction, found->generation);
    if (result.outcome == Outcome::rejected) {
        return tl::unexpected(result.error(what));
    }
    before = before == Before::foreign ? before : judged;
    if (result.outcome == Outcome::committed) {
        made_.emplace(redirects.begin(), redirects.end());
    }
    return false;
}

core::Result<std::vector<RedirectCount>> Redirector::counts() {
    if (!made_ || made_->empty()) {
        return std::vector<RedirectCount>{};
    }
    const auto found = kernel_.snapshot(redirect_table_name, Depth::elements);
    return found ? core::Result<std::vector<RedirectCount>>(counts_in(*found, *made_)) : tl::unexpected(found.error());
}

core::Result<std::string> Redirector::text() {
    return kernel_.snapshot(redirect_table_name, Depth::elements).map([](const Snapshot& found) {
        return found.text();
    });
}

}  // namespace netfilter
