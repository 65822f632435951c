#include "netfilter/redirect/redirector.hpp"

#include <utility>

#include "netfilter/redirect/redirect_table.hpp"

namespace netfilter {
namespace {

// Attempts after another program's commit between our read and our change.
constexpr int redirect_attempts_max = 10;
constexpr const char* what = "cannot redirect connections in the kernel";

}  // namespace

// The changes from found to wanted.
Transaction Redirector::step_to(const Snapshot& found, const Made& wanted) {
    const bool anything = found.table || !wanted.redirects.empty() || is_guarded(wanted.found);
    return anything ? difference(found, redirect_table(wanted.redirects, wanted.found))
                    : Transaction{std::string(redirect_table_name)};
}

core::Result<Before> Redirector::put(std::span<const Redirect> redirects, Forward forward) {
    if (auto valid = validate(redirects).and_then([this] { return learn(); }); !valid) {
        return tl::unexpected(valid.error());
    }
    const Made wanted{{redirects.begin(), redirects.end()}, forwarding_.prepare(redirects, forward)};
    return put_table(wanted, Tried::sound).map([this](Before before) {
        forwarding_.finish();
        return std::exchange(repaired_, false) ? Before::foreign : before;
    });
}

core::Result<void> Redirector::repair() {
    if (!made_) {
        return {};
    }
    const Made made = *made_;
    return put_table(made, Tried::committed).map([this](Before before) {
        repaired_ = repaired_ || before == Before::foreign;
    });
}

core::Result<void> Redirector::learn() {
    if (learnt_) {
        return {};
    }
    const auto left = kernel_.snapshot(redirect_table_name, Depth::structure);
    if (!left) {
        return tl::unexpected(left.error());
    }
    forwarding_.learn(left->table ? found_in(left->table->comment) : Found());
    learnt_ = true;
    return {};
}

core::Result<Before> Redirector::put_table(const Made& wanted, Tried enough) {
    const auto generation = kernel_.generation();
    if (!generation) {
        return tl::unexpected(generation.error());
    }
    if (made_ == wanted && sound_at_ == *generation) {
        return Before::wanted;
    }
    sound_at_.reset();
    Before before = Before::wanted;
    for (int attempt = 0; attempt < redirect_attempts_max; ++attempt) {
        const auto done = try_put(wanted, before);
        if (!done) {
            return tl::unexpected(done.error());
        }
        if (*done >= enough) {
            made_ = wanted;
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

core::Result<Redirector::Tried> Redirector::try_put(const Made& wanted, Before& before) {
    const auto found = kernel_.snapshot(redirect_table_name, Depth::elements);
    if (!found) {
        return tl::unexpected(found.error());
    }
    const Transaction transaction = step_to(*found, wanted);
    // Once judged foreign it stays so, even where a later read finds our own table.
    const Before judged = judge(*found);
    if (judged == Before::foreign) {
        before = judged;
    }
    if (transaction.empty()) {
        sound_at_ = found->generation;
        return Tried::sound;
    }
    const auto result = kernel_.commit(transaction, found->generation);
    if (result.outcome == Outcome::rejected) {
        return tl::unexpected(result.error(what));
    }
    before = before == Before::foreign ? before : judged;
    if (result.outcome != Outcome::committed) {
        return Tried::overtaken;
    }
    made_ = wanted;
    return Tried::committed;
}

core::Result<std::vector<RedirectCount>> Redirector::counts() {
    if (!made_ || made_->redirects.empty()) {
        return std::vector<RedirectCount>{};
    }
    const auto found = kernel_.snapshot(redirect_table_name, Depth::elements);
    return found ? core::Result<std::vector<RedirectCount>>(counts_in(*found, made_->redirects))
                 : tl::unexpected(found.error());
}

core::Result<std::string> Redirector::text() {
    return kernel_.snapshot(redirect_table_name, Depth::elements).map([](const Snapshot& found) {
        return found.text();
    });
}

}  // namespace netfilter
