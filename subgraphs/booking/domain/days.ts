const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** The offset of every time zone is a multiple of it. */
export const STEP_MS = 15 * MINUTE_MS;
/** No time zone is farther from UTC. */
const OFFSET_MAX_MS = 16 * 60 * MINUTE_MS;

/** A day in a time zone: the instants from `from` to before `to`. */
export interface Day {
  /** Like 2030-06-01. */
  readonly date: string;
  readonly from: Date;
  readonly to: Date;
}

/**
 * Returns the days from one date to another, both included, in a time zone. A day has 23 or 25 hours when the clocks
 * change. A day that a zone has skipped is empty. A zone that this process does not know counts as UTC.
 */
export function daysBetween(first: string, last: string, timeZone: string): Day[] {
  const dateAt = dateReader(timeZone);
  const days: Day[] = [];
  let from = startOf(first, dateAt);
  for (let date = first; date <= last; date = nextDate(date)) {
    const to = startOf(nextDate(date), dateAt);
    days.push({ date, from, to });
    from = to;
  }
  return days;
}

const nextDate = (date: string): string => new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);

/** Returns the first instant at which a zone's date is this date or a later one. */
function startOf(date: string, dateAt: (ms: number) => string): Date {
  const midnightUtcMs = Date.parse(date);
  let [beforeMs, atMs] = [midnightUtcMs - OFFSET_MAX_MS, midnightUtcMs + OFFSET_MAX_MS];
  while (atMs - beforeMs > STEP_MS) {
    const middleMs = beforeMs + Math.floor((atMs - beforeMs) / 2 / STEP_MS) * STEP_MS;
    if (dateAt(middleMs) >= date) atMs = middleMs;
    else beforeMs = middleMs;
  }
  return new Date(atMs);
}

function dateReader(timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeZone: isKnown(timeZone) ? timeZone : 'UTC',
  });
  return (ms) => format.format(ms);
}

function isKnown(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
