/**
 * npm run load-test -- [options]
 *
 *   --users 100               the number of users who book
 *   --bookings 1000           the number of bookings, of one seat each
 *   --rate 200                how many bookings are sent per second, whatever the answers are
 *   --arrivals poisson        poisson: the times between two bookings are random; constant: they are equal
 *   --events 1                the number of events; each booking is for a random one
 *   --seats N                 the seats of each event; by default, all events together have a seat for each booking
 *   --url URL                 a running system; without it, the command starts one on free ports
 *   --max-p99-ms N, --min-confirmed-per-s N, --max-failed-percent 1
 *                             thresholds: exit code 1 if one is missed
 *
 * Sends bookings through the typed client and writes an HTML and a JSON report to .data/load-test. Checks afterwards that
 * no seat was sold twice and no booking was lost; otherwise the exit code is 1. docs/load-test.md explains the report.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Client } from '#client/client.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { parseArguments, runScript } from '#scripts/local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from '#scripts/local/settings.ts';
import { ARRIVALS, arrivalTimesMs } from './load/arrivals.ts';
import { readCount, readNumber } from './load/options.ts';
import { type LoadReport, reportPage } from './load/report.ts';
import { type Load, startLoad } from './load/run.ts';
import { countOf, missedThresholds, OUTCOMES, p99Ms, summarize } from './load/summary.ts';
import { type Target, withTarget } from './load/target.ts';
import { bar, showWhile } from './load/terminal.ts';

const USAGE =
  'npm run load-test -- [--users 100] [--bookings 1000] [--rate 200] [--events 1] [--url URL], and more options';
const RECENT = 1_000;

function readOptions() {
  const { values } = parseArguments(
    {
      options: {
        users: { type: 'string', default: '100' },
        bookings: { type: 'string', default: '1000' },
        rate: { type: 'string', default: '200' },
        arrivals: { type: 'string', default: 'poisson' },
        events: { type: 'string', default: '1' },
        seats: { type: 'string' },
        url: { type: 'string' },
        'max-p99-ms': { type: 'string' },
        'min-confirmed-per-s': { type: 'string' },
        'max-failed-percent': { type: 'string', default: '1' },
      },
    },
    USAGE,
  );
  const arrivals = ARRIVALS.find((name) => name === values.arrivals);
  if (arrivals === undefined) throw new LocalError(`--arrivals takes one of: ${ARRIVALS.join(', ')}`);
  const [bookings, events] = [readCount(values, 'bookings'), readCount(values, 'events')];
  return {
    users: readCount(values, 'users'),
    bookings,
    rate: readCount(values, 'rate'),
    arrivals,
    events,
    seats: values.seats === undefined ? Math.ceil(bookings / events) : readCount(values, 'seats'),
    url: values.url,
    thresholds: {
      maxP99Ms: readNumber(values, 'max-p99-ms'),
      minConfirmedPerS: readNumber(values, 'min-confirmed-per-s'),
      maxFailedPercent: readNumber(values, 'max-failed-percent'),
    },
  };
}

/** Runs the load, writes the reports and prints them in short. Returns what is wrong. */
async function test(target: Target, options: ReturnType<typeof readOptions>): Promise<readonly string[]> {
  const { users, bookings: count, rate, arrivals, events, seats, thresholds } = options;
  const clients = await target.openClients(users);
  const [organizer] = clients as [Client];
  const eventIds = await Promise.all(Array.from({ length: events }, () => target.createEvent(organizer, seats)));
  const startedAt = new Date().toISOString();
  const load = startLoad({ clients, eventIds, dueTimesMs: arrivalTimesMs(count, { ratePerS: rate, arrivals }) });
  await showWhile(load.done, () => progressOf(load));

  const summary = summarize(load.bookings);
  const findings = await tellStep(`Checking ${target.checkedIn}`, () => target.check(organizer, load.bookings));
  const report: LoadReport = {
    title: 'Load test',
    startedAt,
    url: target.url,
    options: { users, bookings: count, rate, arrivals, events, seats },
    summary,
    retries: Object.fromEntries(target.retries),
    invariants: { checkedIn: target.checkedIn, ...findings },
    missedThresholds: missedThresholds(summary, thresholds),
  };
  const { p50, p99, p100 } = summary.latencyMs.all;
  console.log(`
  confirmed   ${summary.confirmed}, ${summary.confirmedPerS.toFixed(1)} per second
  refused     ${summary.refused}, ${summary.refusedPerS.toFixed(1)} per second
  failed      ${summary.failed} (${summary.failedPercent.toFixed(2)} %)
  codes       ${JSON.stringify(summary.codes)}, retried ${JSON.stringify(report.retries)}
  latency     p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms, max ${p100?.toFixed(1)} ms, from the intended send time
  oversold    ${findings.oversold}, checked in ${target.checkedIn}
  report      ${save(report)}`);
  return [...findings.problems, ...report.missedThresholds];
}

/** Returns the numbers so far, and a bar. */
function progressOf({ bookings, planned, nowMs }: Load): [string, string] {
  const counts = OUTCOMES.map((outcome) => `${countOf(bookings, outcome)} ${outcome}`).join(', ');
  const p99 = bookings.length > 0 ? p99Ms(bookings.slice(-RECENT)).toFixed(0) : '-';
  return [
    `  ${bookings.length} of ${planned} in ${(nowMs() / 1_000).toFixed(0)} s: ${counts}, p99 ${p99} ms`,
    `  ${bar(bookings.length / planned)}`,
  ];
}

/** Writes the reports to the data folder. Returns the path of the page. */
function save(report: LoadReport): string {
  const folder = join(readSettings(loadEnvironment()).dataDir, 'load-test');
  const file = join(folder, report.startedAt.replaceAll(/[:.]/g, '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${file}.html`, reportPage(report));
  return relative(process.cwd(), `${file}.html`);
}

await runScript(async () => {
  const options = readOptions();
  let wrong: readonly string[] = [];
  await withTarget(options.url, {}, async (target) => {
    wrong = await test(target, options);
  });
  if (wrong.length > 0) throw new LocalError(wrong.join('\n'));
});
