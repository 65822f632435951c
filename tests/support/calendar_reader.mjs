// The same as calendar_reader, by ical.js, which lies in the folder that the first argument names. It knows only the
// time zones of each question: "zones", VTIMEZONEs by name.
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const ICAL = (await import(pathToFileURL(process.argv[2] + "/dist/ical.js"))).default;

function seconds(time, zone) {
    if (time.isDate || time.zone === ICAL.Timezone.localTimezone) {
        time = time.clone();
        time.isDate = false;
        time.zone = zone;
    }
    return time.toUnixTime();
}

function read(asked) {
    ICAL.TimezoneService.reset();
    for (const [name, text] of Object.entries(asked.zones)) {
        const component = new ICAL.Component(ICAL.parse(text)).getFirstSubcomponent("vtimezone");
        ICAL.TimezoneService.register(new ICAL.Timezone({ component, tzid: name }), name);
    }
    const zone = asked.zone === "UTC" ? ICAL.Timezone.utcTimezone : ICAL.TimezoneService.get(asked.zone);
    const events = new ICAL.Component(ICAL.parse(asked.text)).getAllSubcomponents("vevent");
    const masters = events.filter((one) => !one.hasProperty("recurrence-id")).map((one) => new ICAL.Event(one));
    for (const one of events.filter((one) => one.hasProperty("recurrence-id"))) {
        masters.find((master) => master.uid === one.getFirstPropertyValue("uid")).relateException(new ICAL.Event(one));
    }
    const spans = [];
    const add = (event, begin, end) => {
        const span = [seconds(begin, zone), seconds(end, zone)];
        const cancelled = event.component.getFirstPropertyValue("status") === "CANCELLED";
        if (!cancelled && span[0] < asked.until && Math.max(span[1], span[0] + 60) > asked.from) {
            spans.push(span);
        }
    };
    const past = asked.until + 4 * 86400;
    for (const master of masters) {
        if (!master.isRecurring()) {
            add(master, master.startDate, master.endDate);
            continue;
        }
        const iterator = master.iterator();
        for (let next = iterator.next(); next; next = iterator.next()) {
            const details = master.getOccurrenceDetails(next);
            if (seconds(next, zone) > past) {
                break;
            }
            add(details.item, details.startDate, details.endDate);
        }
    }
    return spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

const answers = JSON.parse(readFileSync(0, "utf8")).map((asked) => {
    try {
        return { spans: read(asked) };
    } catch (error) {
        return { error: String(error) };
    }
});
process.stdout.write(JSON.stringify(answers));
