#include "appliance/api/slots.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <map>

namespace appliance::api {

unsigned Slots::strangers_of(const std::string& source) const {
    return static_cast<unsigned>(std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.state == State::stranger && entry.source == source;
    }));
}

// Empty where none has more than one.
std::string Slots::largest_source() const {
    std::map<std::string, unsigned> sources;
    for (const Entry& entry : entries_) {
        sources[entry.source] += entry.state == State::stranger ? 1 : 0;
    }
    const auto most = std::max_element(sources.begin(), sources.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == sources.end() || most->second <= 1 ? std::string() : most->first;
}

Slots::Entry* Slots::oldest_of(const std::string& source) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.state == State::stranger && (source.empty() || entry.source == source);
    });
    return found == entries_.end() ? nullptr : &*found;
}

// Its thread wakes from any wait, and leaves.
void Slots::shut_down(Entry& entry) {
    entry.state = State::shut_down;
    ::shutdown(entry.fd, SHUT_RDWR);
}

// False: the new connection has to go.
bool Slots::make_room(const std::string& source, Clock::time_point now) {
    const auto strangers = static_cast<unsigned>(std::count_if(
        entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.state == State::stranger; }));
    const bool full_share = strangers_of(source) >= limits_.strangers_of_source;
    if (!full_share && strangers < limits_.strangers) {
        return true;
    }
    const std::string victims = full_share ? source : largest_source();
    Entry* oldest = oldest_of(victims);
    if (oldest == nullptr || (victims == source && now - oldest->entered < limits_.grace)) {
        return false;
    }
    shut_down(*oldest);
    return true;
}

std::optional<Slots::Ticket> Slots::enter(int fd, const std::string& source, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= limits_.callers + 2 * std::size_t{limits_.strangers} || !make_room(source, now)) {
        return std::nullopt;
    }
    entries_.push_back({++last_, fd, source, now});
    return last_;
}

Slots::Admission Slots::admit(Ticket ticket, const std::string& name, bool reader) {
    const std::lock_guard lock(mutex_);
    unsigned callers = 0;
    unsigned namesakes = 0;
    unsigned readers = 0;
    Entry* own = nullptr;
    for (Entry& entry : entries_) {
        own = entry.ticket == ticket ? &entry : own;
        if (entry.state == State::caller) {
            ++callers;
            namesakes += entry.name == name ? 1 : 0;
            readers += entry.reader ? 1 : 0;
        }
    }
    if (own == nullptr || own->state == State::shut_down || callers >= limits_.callers ||
        (reader && readers >= limits_.readers)) {
        return Admission::full;
    }
    if (namesakes >= limits_.callers_of_name) {
        return Admission::name_full;
    }
    own->name = name;
    own->reader = reader;
    own->state = State::caller;
    return Admission::taken;
}

void Slots::leave(Ticket ticket) {
    const std::lock_guard lock(mutex_);
    entries_.remove_if([ticket](const Entry& entry) { return entry.ticket == ticket; });
    empty_.notify_all();
}

bool Slots::drop_oldest() {
    const std::lock_guard lock(mutex_);
    Entry* oldest = oldest_of({});
    if (oldest != nullptr) {
        shut_down(*oldest);
    }
    return oldest != nullptr;
}

void Slots::wait_until_empty() {
    std::unique_lock lock(mutex_);
    empty_.wait(lock, [this] { return entries_.empty(); });
}

}  // namespace appliance::api
